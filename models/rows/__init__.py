"""The database: its tables, and every statement on them. Used by gateway, worker and steward.

Doors: ``database.Database`` runs functions in transactions; ``tables`` defines the tables, ``records`` the records
that those functions return, and ``states`` the states in them, the only part that a runner imports. The functions are
in one module for each resource: ``instances``, ``jobs`` (as clients use them), ``claims`` (jobs as workers change
them), ``outbox``, ``batches``, ``uploads``, ``webhooks``, ``responses``, and in ``life`` what happens to models. Not
doors: ``fetching`` makes records of rows, ``postgresql`` makes connections that no caller waits on for long.
"""
