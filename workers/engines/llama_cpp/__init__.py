"""The engine llama.cpp, through xllamacpp: GGUF files. Runs in the runner. Door: ``engine.LlamaCpp``.

``gbnf`` and ``trial`` are programs of their own, which the runner starts: a client's grammar may make them hang.
"""
