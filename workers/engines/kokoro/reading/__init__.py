"""From text to the phonemes that Kokoro was trained with, a module for each language; ``readers`` finds it.

Every library here has a permissive licence. espeak-ng, which Kokoro's authors use for the languages that are missing,
is under the GPL, and stays out. Runs in the runner.
"""
