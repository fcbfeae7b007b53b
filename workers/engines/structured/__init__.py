"""Structured answers: constraints, the grammars they become, and the processes that follow grammars for a runner.

``grammar_process`` is a process of its own, a child of the runner; everything else here runs in the runner. Doors, for
engines: ``constraints`` (the grammar of a request's answer), ``grammars`` (check it, and follow it), and the messages
in ``grammar_wire``.
"""
