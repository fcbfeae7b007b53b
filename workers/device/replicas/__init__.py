"""What a worker says of its replicas, and how they leave. In the worker process.

``reports`` writes their rows, ``leaving`` decides when those that are to go may end and whether their memory is back,
``lost_requests`` tells gateways of requests that no runner will answer.
"""
