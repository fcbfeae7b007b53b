"""The life of instances: what happened to them, and what becomes of loads that fail. Used by gateway, worker, steward.

``events`` has the statements on the table of the same name; those that change an instance or a replica call it in the
same transaction. ``retries`` decides when a replica that was given up is tried again.
"""
