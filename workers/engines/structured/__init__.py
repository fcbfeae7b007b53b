"""Answers that are held to a form: constraints, grammars, and the processes that follow grammars for a runner."""
