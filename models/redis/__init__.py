"""What goes through Redis, and the connections to it. Used by gateway, worker, runner, steward and supervisor.

Doors: ``broker`` makes the connections; ``queue`` is the Celery message of a request and its admission; ``stream`` the
frames of its answer; ``events`` the events of a job, for those who watch it, and ``job_states`` those that its row
makes; ``presence`` what a device reports of itself.
"""
