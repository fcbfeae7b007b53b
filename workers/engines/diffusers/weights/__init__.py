"""Parts of pipelines that diffusers cannot load by itself as they lie there. Runs in the runner, for ``load``."""
