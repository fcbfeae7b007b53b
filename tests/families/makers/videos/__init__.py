"""Tiny pipelines that make videos, of random weights in the real layout."""
