"""The engine transformers, with continuous batching: safetensors. Runs in the runner. Door: ``engine.Transformers``."""
