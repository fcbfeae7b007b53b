"""What the catalogue is on this machine: what fits, what is here already, what to begin with. Used by the gateway.

Pure: ``standing`` says it of a family, ``presence`` of weights, ``suggesting`` what a newcomer may try.
"""
