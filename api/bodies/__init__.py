"""What a client's body says: from bytes to a checked request. Runs in the gateway process, behind the edge.

Doors: ``fields.read``, a JSON body as a request; ``fields.FieldRule``, what happens to fields that nobody knows;
``reading.object_of``, a JSON body as it came; ``documents``, bodies for the OpenAPI document.
"""
