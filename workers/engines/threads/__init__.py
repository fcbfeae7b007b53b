"""How an engine's blocking steps run in threads beside the runner's event loop."""
