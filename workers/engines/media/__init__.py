"""Pictures and recordings, decoded within bounds, and sound encoded. Runs in the runner."""
