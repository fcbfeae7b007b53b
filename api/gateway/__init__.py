"""The parts of one gateway process, which live as long as it and are shared by all its requests.

Doors: ``gateway.Gateway``, which holds the parts, and ``gateway.gateway_of``. Of the parts, ``dispatch.Dispatcher``
sends a request to a replica and ``replies.Replies`` receives the answers; ``routing_table`` and ``known_models`` know
which models there are; ``submission.Submissions`` stores jobs, ``response_writer.ResponseWriter`` responses, both
through ``group_commit``; ``watching.Watching`` follows jobs, ``following/`` launches, events and logs.
"""
