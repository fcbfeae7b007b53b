"""The gateway process, the command line, and the supervisor that runs all processes on one machine.

``app`` is the gateway's composition root; ``client`` speaks to a gateway from the command line. Inside the gateway,
the packages depend on each other in one direction: ``routes`` > ``jobs`` > ``requests`` > ``gateway`` > ``edge``.
"""
