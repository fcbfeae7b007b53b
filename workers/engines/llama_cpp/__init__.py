"""The engine llama.cpp, through xllamacpp: GGUF files. Runs in the runner. Door: ``engine.LlamaCpp``."""
