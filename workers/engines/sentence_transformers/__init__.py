"""The engine sentence-transformers: embeddings, rerank. Runs in the runner. Door: ``engine.SentenceTransformers``.

``packing`` decides which sequences share a batch; ``batcher`` runs the batches.
"""
