"""The engine faster-whisper: transcription. Runs in the runner. Door: ``engine.FasterWhisper``."""
