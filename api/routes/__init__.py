"""The HTTP endpoints, a file a protocol or resource. Runs in the gateway process.

Each module offers ``router``; ``api.app`` includes them all.
"""
