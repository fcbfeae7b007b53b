"""How an engine's blocking work runs in threads beside the runner's event loop. Runs in the runner.

Doors, for engines: ``step_threads`` (requests computed step by step), ``side_answers`` (results that a thread finds
beside them), and ``open_requests`` (requests that have not ended, and how they are aborted).
"""
