"""The endpoints of models: launches, what is said of each model, and its replicas. Used by the gateway's process."""

from api.routes.models.routes import describe_model, list_models, router

__all__ = ["describe_model", "list_models", "router"]
