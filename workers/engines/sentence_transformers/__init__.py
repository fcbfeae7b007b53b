"""The engine sentence-transformers: embeddings, rerank. Runs in the runner. Door: ``engine.SentenceTransformers``.

``packing`` decides which sequences share a batch; ``batcher`` runs the batches.
"""

from workers.engines.accelerator.torchvision_build import make_importable

make_importable()  # before anything of transformers that imports it
