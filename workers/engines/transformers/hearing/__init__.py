"""Transcription by language models that hear: how each is asked, and how long recordings are cut.

Runs in the runner. ``workers.engines.transformers`` alone imports it.
"""
