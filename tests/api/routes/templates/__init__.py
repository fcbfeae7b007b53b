"""Tests of ``api.routes.templates``."""
