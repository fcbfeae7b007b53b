"""Models that are registered: entries of the catalogue that an operator adds. Used by the gateway and the command line.

``given`` is a spec as Xinference writes it, of its versions 1 and 2; ``families`` makes an entry of it; ``forms`` reads
JSON and YAML; ``guesses`` makes a spec of what a look at weights shows.
"""
