"""Log probabilities that llama.cpp's server does not give: those of a prompt, and of tokens that end in a character.

Runs in the runner.
"""

from workers.engines.llama_cpp.scoring.answers import AnswerTokens
from workers.engines.llama_cpp.scoring.model import ScoredModel
from workers.engines.llama_cpp.scoring.prompts import PromptScore

__all__ = ["AnswerTokens", "PromptScore", "ScoredModel"]
