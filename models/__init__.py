"""The vocabulary that gateway and workers share. It runs in every process, and imports neither FastAPI nor torch.

``errors``, ``settings``, ``engines`` (the facts about each engine), ``validation`` and ``unicode`` are here.
``modalities`` has what can be asked of models, ``catalogue`` the models that come with Headrace, ``launching`` how a
launch becomes weights and a device, ``rows`` the database, ``redis`` what goes through Redis, ``storage`` files, and
``process`` child processes, background tasks and logs.
"""
