"""Which replicas of a device are idle, and how they leave. Runs in the worker process."""
