"""Where models go by their memory: needs by kind of device, rooms of devices. Runs in gateway, steward and worker.

Pure: ``deciding.decide`` is the one decision.
"""
