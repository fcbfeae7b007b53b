"""The engine vLLM. Runs in a runner of its own environment. Door: ``engine.Vllm``."""
