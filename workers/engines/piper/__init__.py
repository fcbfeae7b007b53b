"""Piper: speech in some forty languages from a network a voice (ONNX), with phonemes by espeak-ng. Runs in the runner.

Door: ``engine``. ``load`` reads a folder, ``voices`` says who speaks in it, ``texts`` what of a text can be said. Its
library is under the GPL, and so lives in an environment of its own, ``.venv-piper``: nothing else here imports it.
"""
