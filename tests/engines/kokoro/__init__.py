"""Kokoro: how texts are read, which voices there are, and real speech that Whisper hears."""
