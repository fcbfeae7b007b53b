"""Makers of tiny models with random weights, from the libraries' own configurations: a folder each, in seconds."""
