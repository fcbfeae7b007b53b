"""The endpoints of a model's life, without a server: ``api.routes.models.life``."""
