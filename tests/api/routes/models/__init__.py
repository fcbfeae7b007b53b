"""The endpoints of models, without a server: ``api.routes.models``."""
