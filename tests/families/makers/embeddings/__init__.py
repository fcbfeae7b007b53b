"""Makers of tiny embedding models and rerankers with random weights, in the layouts of the families that people run."""
