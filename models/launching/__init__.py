"""From a launch to weights on a device. Used by gateway, steward, worker, runner and supervisor.

Doors: ``launch.Launch``, the body of a launch, and ``launch.resolve``, which makes an instance of it;
``peek_source.peek`` looks at weights before they are fetched, and ``peek.peek_at`` at those on this machine;
``engine_choice`` decides from that which engine loads them; ``hub`` finds and fetches weights; ``devices`` lists the
devices of this machine.
"""
