"""One synchronous request, from a valid body to the last byte of its answer. Runs in the gateway process.

Doors: ``answering.answer``, which every such route calls; ``response_keeping``, for responses that are stored.
"""
