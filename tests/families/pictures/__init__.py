"""Families that draw, and what compares them with their bare pipelines."""
