"""Files: artifacts in a folder or bucket, signed links to them, scratch folders, and what is fetched from the web.

Used by gateway, worker, runner and steward. Doors: ``artifacts.open_store``; ``signing``, links to artifacts;
``rendering``, the answer of a job made from its result and artifacts; ``outbound.Outbound``, requests to clients' URLs;
``scratch.folder``; ``secrets.derived``, keys derived from the installation's secret.
"""
