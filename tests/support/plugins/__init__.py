"""Plugins of pytest, which ``tests/conftest.py`` loads in every process of a run."""
