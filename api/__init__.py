"""The gateway process, the command line, and the supervisor that runs all processes on one machine.

``app`` is the gateway's composition root. ``client`` asks a gateway over HTTP, for the command line and the supervisor.
Inside the gateway process, the packages import each other in one direction: ``routes`` > ``jobs`` > ``requests`` >
``gateway`` > ``edge``. ``cli`` and ``local`` run in other processes.
"""
