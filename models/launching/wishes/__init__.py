"""What a launch may say of its processes beside the engine's options. Pure; for gateway, worker and steward.

``environment`` decides which variables a model's processes may be given.
"""
