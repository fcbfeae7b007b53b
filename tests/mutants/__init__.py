"""Faults on purpose: each is put into a copy of the source, to show that a test notices it. ``make mutants``."""
