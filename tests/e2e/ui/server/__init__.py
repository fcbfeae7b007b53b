"""The pages of the server: what is under way, and its devices."""
