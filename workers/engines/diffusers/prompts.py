"""Prompts of any length and with weights, as AUTOMATIC1111's web UI reads them; and where a prompt is cut else.

A prompt is encoded in chunks of 75 tokens, whose embeddings stand one behind another. ``(red)`` weighs 1.1, ``[red]``
its inverse, ``(red:1.5)`` 1.5; a backslash takes a bracket as it is, and ``BREAK`` begins a new chunk.
"""

import inspect
import re
from collections.abc import Iterator, Sequence
from typing import Any

import torch

CHUNK = 75
COMMA = 20
"""A chunk ends at its last comma, where so many tokens or fewer would move to the next."""
_STEP = 1.1
_PARTS = re.compile(r"\\[()\[\]\\]|\bBREAK\b|:\s*([+-]?[.\d]+)\s*\)|[()\[\]]|[^\\()\[\]:B]+|.", re.DOTALL)

_TOKENIZERS = ("tokenizer", "tokenizer_2", "tokenizer_3", "tokenizer_4", "prior_tokenizer")

Weighted = list[tuple[str, float]]


def parsed(prompt: str) -> Weighted:
    """The prompt's texts, each with its weight. A text "BREAK" of weight 0 stands for the beginning of a new chunk."""
    texts: list[list[Any]] = []
    opened: list[tuple[str, int]] = []
    for found in _PARTS.finditer(prompt):
        part = found[0]
        if part == "BREAK":
            texts.append(["BREAK", 0.0])
        elif part in ("(", "["):
            opened.append((part, len(texts)))
        elif found[1] is not None and opened and opened[-1][0] == "(" and _number(found[1]) is not None:
            _weigh(texts, opened.pop()[1], _number(found[1]) or 0.0)
        elif part in (")", "]") and opened and opened[-1][0] == {")": "(", "]": "["}[part]:
            _weigh(texts, opened.pop()[1], _STEP if part == ")" else 1 / _STEP)
        else:
            texts.append([part[1:] if part[:1] == "\\" and len(part) == 2 else part, 1.0])
    for bracket, start in opened:  # a bracket that nothing closes weighs all that follows
        _weigh(texts, start, _STEP if bracket == "(" else 1 / _STEP)
    return _joined(texts)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _weigh(texts: list[list[Any]], start: int, factor: float) -> None:
    for one in texts[start:]:
        one[1] *= factor


def _joined(texts: list[list[Any]]) -> Weighted:
    joined: list[list[Any]] = []
    for text, weight in texts:
        if joined and text != "BREAK" and joined[-1][0] != "BREAK" and joined[-1][1] == weight:
            joined[-1][0] += text
        else:
            joined.append([text, weight])
    return [(text, weight) for text, weight in joined]


def chunks(tokenizer: Any, prompt: str) -> list[list[tuple[int, float]]]:
    """The prompt's tokens with their weights, in chunks of ``CHUNK`` at most; one empty chunk for an empty prompt."""
    done: list[list[tuple[int, float]]] = []
    current: list[tuple[int, float]] = []
    comma = 0
    commas = set(tokenizer(",", add_special_tokens=False).input_ids)
    for token, weight in _tokens(tokenizer, prompt):
        if token is None or len(current) == CHUNK:
            rest = current[comma:] if token is not None and comma and len(current) - comma <= COMMA else []
            done.append(current[: len(current) - len(rest)])
            current, comma = list(rest), 0
        if token is not None:
            current.append((token, weight))
            comma = len(current) if token in commas else comma
    return [*done, current] if current or not done else done


def _tokens(tokenizer: Any, prompt: str) -> Iterator[tuple[int | None, float]]:
    for text, weight in parsed(prompt):
        if text == "BREAK":
            yield None, weight
            continue
        for token in tokenizer(text, add_special_tokens=False, truncation=False, verbose=False).input_ids:
            yield token, weight


def reads(pipe: Any) -> bool:
    """Whether a pipeline takes the embeddings of such prompts: Stable Diffusion 1, 2 and XL, with CLIP alone."""
    name = type(pipe).__name__
    family = name.startswith(("StableDiffusion", "LatentConsistencyModel")) and not name.startswith("StableDiffusion3")
    return family and all(type(one).__name__.startswith("CLIP") for one in _encoders(pipe).values())


def _encoders(pipe: Any) -> dict[str, Any]:
    names = [name for name in ("tokenizer", "tokenizer_2") if getattr(pipe, name, None) is not None]
    return {name: getattr(pipe, name.replace("tokenizer", "text_encoder")) for name in names}


def cut_after(pipe: Any, prompt: str) -> int | None:
    """The tokens after which a pipeline cuts this prompt; None where it reads all of it, or does not say.

    Where CLIP and another read, what counts is the other, which reads more.
    """
    found: list[Any] = [getattr(pipe, name, None) for name in _TOKENIZERS if prompt]
    processors = [one.tokenizer for one in found if type(one).__name__.endswith("Processor")]
    tokenizers = processors or [one for one in found if one is not None]
    others = [one for one in tokenizers if not type(one).__name__.startswith("CLIP")]
    said = inspect.signature(pipe.__call__).parameters.get("max_sequence_length")
    most = (said.default if said is not None else None) if others else CHUNK + 2
    if not isinstance(most, int):
        return None
    for one in others[-1:] or tokenizers:
        if len(one(prompt, truncation=False, verbose=False).input_ids) > most:
            return most - int(one.num_special_tokens_to_add())
    return None


def cut(pipe: Any, prompt: str | None, negative_prompt: str | None) -> str:
    """That a pipeline cuts one of these prompts, in a sentence that names it; empty where it reads all of both."""
    for name, text in (("prompt", prompt), ("negative_prompt", negative_prompt)):
        if most := cut_after(pipe, text or ""):
            return f"'{name}' was cut after {most} tokens"
    return ""


@torch.inference_mode()
def embedded(pipe: Any, prompts: Sequence[str], negatives: Sequence[str]) -> dict[str, Any]:
    """The arguments of a pipeline in place of these prompts, of one length for all of them."""
    encoders = _encoders(pipe)
    read = {name: [chunks(getattr(pipe, name), one) for one in (*prompts, *negatives)] for name in encoders}
    most = max(len(one) for texts in read.values() for one in texts)
    parts, pooled = [], None
    for name, texts in read.items():
        made = [_encoded(encoders[name], getattr(pipe, name), one, most, xl="tokenizer_2" in read) for one in texts]
        parts.append(torch.stack([states for states, _ in made]))
        if name == "tokenizer_2" or len(read) == 1:
            pooled = torch.stack([pool for _, pool in made]) if hasattr(pipe, "tokenizer_2") else None
    states, count = torch.cat(parts, dim=-1), len(prompts)
    given = {"prompt_embeds": states[:count], "negative_prompt_embeds": states[count:]}
    if pooled is not None:
        given |= {"pooled_prompt_embeds": pooled[:count], "negative_pooled_prompt_embeds": pooled[count:]}
    return given


def _encoded(
    encoder: Any, tokenizer: Any, texts: list[list[tuple[int, float]]], most: int, *, xl: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """The states of a prompt's chunks, ``most`` of them, and what the encoder makes of the first as a whole."""
    start, end, pad = tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id
    rows = [[start, *(token for token, _ in one), end] for one in (*texts, *[[]] * (most - len(texts)))]
    ids = torch.tensor([row + [pad] * (CHUNK + 2 - len(row)) for row in rows], device=encoder.device)
    output = encoder(ids, output_hidden_states=xl)
    states = output.hidden_states[-2] if xl else output[0]
    weights = torch.ones(ids.shape, dtype=states.dtype, device=states.device)
    for number, one in enumerate(texts):
        weights[number, 1 : len(one) + 1] = torch.tensor([weight for _, weight in one], dtype=states.dtype)
    if bool((weights != 1).any()):
        mean = states.float().mean()
        states = states * weights[:, :, None]
        states = (states.float() * (mean / states.float().mean())).to(states.dtype)
    return states.flatten(0, 1), output[0][0]
