"""The wire to Redis or PostgreSQL is cut under load: which processes die, and how long it takes to heal."""
