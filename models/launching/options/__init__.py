"""What a launch may set of each engine: the classes that engines read options with, and JSON Schema made from them.

Used by gateway, command line and runner; no library of an engine is imported. Door: ``schemas``.
"""
