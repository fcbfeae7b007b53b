"""The engine sentence-transformers: embeddings, rerank. Runs in the runner. Door: ``engine.SentenceTransformers``."""
