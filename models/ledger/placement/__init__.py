"""Where models go by their memory: needs by kind of device, rooms of devices, the decision. Runs in gateway and steward.

Pure: ``deciding.decide`` is the one decision.
"""
