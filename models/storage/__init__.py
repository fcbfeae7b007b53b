"""Files: artifacts in a folder or bucket, signed links to them, scratch folders, and what is fetched from the web.

Used by gateway, runner and steward. Doors: ``artifacts.open_store``, ``signing``, ``outbound.Outbound``,
``scratch.folder``.
"""
