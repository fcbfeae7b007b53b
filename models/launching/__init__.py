"""From a launch to weights on a device. Used by gateway, steward, worker and runner.

Doors: ``launch.Launch``, what may be asked, and ``launch.resolve``; ``hub``, which finds and fetches weights;
``devices``, which lists the devices of this machine.
"""
