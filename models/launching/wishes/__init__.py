"""What a launch may say of its processes beside the engine's options. Pure; for gateway, worker and steward.

``places`` says on which devices each replica goes; ``environment`` which variables its processes may be given.
"""
