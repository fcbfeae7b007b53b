"""How the catalogue's data are made from facts that were gathered: ``python -m tests.catalogue.build``."""
