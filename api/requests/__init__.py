"""One synchronous request, from a valid body to the last byte of its answer. Runs in the gateway process.

Doors: ``answering.answer``, which every such route calls; ``request_metrics``, its figures. For OpenAI's responses:
``response_keeping`` stores them, ``response_events`` streams those made in the background, ``response_include`` reads
what a client asks to be included.
"""
