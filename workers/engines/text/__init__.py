"""From messages to prompts, and from a model's text to answers, calls and thoughts. Runs in the runner.

Engines share it. Doors on the way in: ``templating``, ``dialects`` and ``limits``, and ``server_fields`` for engines
that ask a server in OpenAI's format. On the way out: ``answers`` and ``stops``; ``answers`` uses ``thoughts`` or
``channels``, and ``calls``. Both ways use ``calls.formats``.
"""
