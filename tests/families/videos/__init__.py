"""Pipelines that make videos, launched by their folders and compared with the bare ones."""
