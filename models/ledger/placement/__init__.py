"""Where models go by their memory: needs by kind of device, rooms of devices, the decision. Used by gateway, steward.

Pure: ``deciding.decide`` is the one decision.
"""
