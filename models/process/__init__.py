"""How our processes start children, run background tasks, and log. Used by every process.

Doors: ``processes.spawn``, whose children die with their parent; ``background.Background``, tasks on an event loop that
nobody awaits; ``looks.Looks``, threads for what may never answer; ``logs.configure``; ``garbage.freeze_gc``;
``descriptors.raise_limit``; ``machine.look``, what a process says of itself and its machine.
"""
