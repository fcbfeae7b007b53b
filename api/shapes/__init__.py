"""What routes answer, as types: mypy holds the code to them, and the OpenAPI document shows them.

Used by the gateway process. What functions of ``models`` make has its type there: ``models.shapes``,
``models.ledger.shapes``.
"""
