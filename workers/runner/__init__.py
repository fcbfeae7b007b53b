"""The runner process (``python -m workers.runner FD``): the child of a worker that holds one replica's engine.

No other package imports it: its door is the socket, and ``workers.protocol`` has the messages. ``requests`` holds
requests and ``jobs`` holds jobs, each job as an attempt (``attempts``); both ask the engine through ``asking``, after
``media_intake`` has fetched what the messages refer to. ``publisher`` sends answers to gateways, and ``job_events``
sends the events of jobs, both through Redis.
"""
