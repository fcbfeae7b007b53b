"""Models over HTTP, on a real server."""
