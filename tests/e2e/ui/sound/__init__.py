"""Recordings that are made and written down, and texts that are said."""
