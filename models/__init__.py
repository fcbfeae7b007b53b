"""The vocabulary that gateway and workers share. Every process imports it; it starts none. No FastAPI, no torch.

``errors``, ``settings``, ``validation`` and ``unicode`` stand here; ``modalities`` are what can be asked, ``rows``
the database, ``redis`` what goes through Redis, ``launching`` how a launch becomes weights and a device,
``storage`` files, ``process`` child processes.
"""
