"""The vocabulary that gateway and workers share: settings, errors, tables, wire formats. No FastAPI, no torch."""
