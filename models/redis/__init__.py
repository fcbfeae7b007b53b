"""What goes through Redis, and the connections to it. Used by gateway, worker, runner and steward.

Doors: ``broker`` makes the connections; ``queue`` is the Celery message of a request; ``stream`` the frames of its
answer; ``events`` what watchers of a job hear; ``presence`` what a device reports of itself.
"""
