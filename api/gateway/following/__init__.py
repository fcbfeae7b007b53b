"""What many clients of one gateway process follow, read once for all of them.

Doors: ``shared.Shared``, which holds what is followed now, ``shared.SharedLook`` and ``event_tail.EventTail``.
"""
