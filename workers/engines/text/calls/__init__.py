"""How models write tool calls, and what reads them from a text that comes in pieces. Runs in the runner.

A module a way of writing: ``objects`` (JSON), ``elements`` (tags around each argument), ``pythonic`` and ``braces``;
``scanner`` is what they share, ``values`` makes values of text. ``formats`` has the table. Doors: ``formats`` and
``readers``.
"""
