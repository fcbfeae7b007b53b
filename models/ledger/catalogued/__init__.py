"""What the catalogue is on this machine: what fits, what is here already, what to begin with. Used by the gateway.

``standing`` says it of a family, which is pure, ``presence`` of weights, ``suggesting`` what a newcomer may try,
``usual`` what a launch needs of what comes with Headrace.
"""
