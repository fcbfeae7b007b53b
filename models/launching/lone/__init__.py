"""Networks of pipelines that lie alone in a file, without the other parts. Pure; for all processes: ``networks``."""
