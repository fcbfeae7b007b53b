"""The database: its tables, and every statement on them. Used by gateway, worker and steward.

Doors: ``database.Database`` runs functions in transactions; ``tables`` defines the tables; a module a resource
(``instances``, ``jobs``, ``claims``, ``batches``, ``uploads``, ``webhooks``, ``responses``) has the functions to
run.
"""
