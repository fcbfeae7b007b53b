"""The engine faster-whisper: transcription. Runs in the runner. Door: ``engine.FasterWhisper``.

A recording passes ``clips`` (which cuts it), ``transcriber`` (from clips to segments), ``segments`` (from segments to
sentences) and ``transcript`` (the answer).
"""
