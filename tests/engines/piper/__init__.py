"""Piper: what voices and texts are, in our environment, and real speech in its own."""
