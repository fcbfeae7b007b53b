"""Kokoro-82M: speech in several languages from an ONNX network and a style for each voice. Runs in the runner.

Door: ``engine``. ``load`` reads a folder, ``styles`` the voices in it; ``reading`` turns text into phonemes.
"""
