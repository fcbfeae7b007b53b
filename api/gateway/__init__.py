"""What one gateway process holds while it runs, and shares among its requests.

Doors: ``gateway.Gateway``, which holds the parts, and ``gateway.gateway_of``; ``dispatch.Dispatcher`` sends a
request to a replica; ``replies.Replies`` receives the answers; ``submission.Submissions`` stores jobs;
``watching.Watching`` follows jobs.
"""
