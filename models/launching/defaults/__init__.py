"""What is drawn with where nobody says, by checkpoint: ``pictures`` and ``films`` are tables, ``known`` reads files.

Used by the gateway, for a model that is not loaded yet, and by the runner, which then also has the pipeline's own.
"""
