"""Train the model of ``models/catalogue/glyph-vlm`` from nothing: about 10 minutes on two cores.

``python -m tests.glyphs.train_vision OUT [--vit-steps N] [--steps N] [--batch N] [--pairs SHARE] [--warm DIR]``

A chat model in LLaVA's layout. First its CLIP vision tower learns to tell subjects and colours apart, then the
projector and a small Llama, whose tokenizer is made here too, learn to talk about what it sees. What is shipped came of
two runs: 800 + 2,400 steps about one picture each, then ``--warm`` from that one 900 steps, half of them about two.
"""

import argparse
import math
import time
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
import transformers
from torch import Tensor, nn
from torch.nn import functional

from tests.glyphs import glyphworld as world

_BEGAN = time.monotonic()
_IMAGE = "<image>"
_PATCHES = 16  # of a picture, and so its tokens
_WIDTH = 128
_SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", _IMAGE]
_TALK = (
    *[(one, "A {colour} {subject}.") for one in ("What is in the image?", "What do you see?", "What is this?")],
    *[(one, "A {colour} {subject}.") for one in ("What's in this image?", "What is shown in the picture?")],
    *[
        (one, "A {colour} {subject} on a black background.")
        for one in ("Describe the image.", "Describe this picture.")
    ],
    *[(one, "{Colour}.") for one in ("What colour is it?", "What color is it?", "What color is the object?")],
    *[(one, "{Colour}.") for one in ("Which color do you see?", "What colour is the object in the image?")],
    ("What is the background color?", "Black."),
    ("Is it a digit or a shape?", "A {kind}."),
)
_OF_DIGITS = tuple((one, "{Subject}.") for one in ("Which digit is shown?", "What number is this?"))
_OF_SHAPES = (("What shape is this?", "A {subject}."),)
_BOTH = "What is in the images?"
_TEMPLATE = (Path(__file__).parents[2] / "models" / "catalogue" / "glyph-vlm" / "chat_template.jinja").read_text()


def main(arguments: argparse.Namespace) -> None:
    """Train both stages and save model and processor in half precision."""
    torch.manual_seed(arguments.seed)
    random = Random(arguments.seed)
    if arguments.warm:
        model: Any = transformers.LlavaForConditionalGeneration.from_pretrained(arguments.warm, dtype=torch.float32)
        processor: Any = transformers.LlavaProcessor.from_pretrained(arguments.warm)
    else:
        model, processor = make_model(make_tokenizer(random))
        train_tower(model.model.vision_tower, processor, random, arguments.vit_steps)
    train_talk(model, processor, random, arguments)
    model.tie_weights()
    config: Any = transformers.GenerationConfig
    ids = {f"{name}_token_id": getattr(processor.tokenizer, f"{name}_token_id") for name in ("bos", "eos", "pad")}
    model.generation_config = config(**ids)
    model.half().eval().save_pretrained(arguments.out)
    processor.save_pretrained(arguments.out)
    print(f"saved {arguments.out}")


def talk(shown: list[world.Picture], random: Random) -> tuple[str, str]:
    """A question about one picture or two, and its answer."""
    if len(shown) == 2:
        first, second = (f"A {one.colour} {one.subject}." for one in shown)
        both = f"{first[:-1]} and {second[0].lower()}{second[1:]}"
        question, answer = random.choice(
            [("What is in the first image?", first), ("What is in the second image?", second), (_BOTH, both)]
        )
        return question, answer.replace("A orange", "An orange").replace("a orange", "an orange")
    [picture] = shown
    digit = picture.subject in world.WORDS
    question, answer = random.choice(_TALK + (_OF_DIGITS if digit else _OF_SHAPES))
    said = answer.format(
        colour=picture.colour,
        subject=picture.subject,
        Colour=picture.colour.capitalize(),
        Subject=picture.subject.capitalize(),
        kind="digit" if digit else "shape",
    )
    return question, said.replace("A orange", "An orange")


def make_tokenizer(random: Random) -> Any:
    """A byte-level tokenizer of a few hundred tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    said = [one for _ in range(512) for one in talk([world.sample(random)], random)]
    said += ["user\n", "assistant\n", "system\nYou are a helpful assistant."] * 50
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=_SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        min_frequency=5,
        show_progress=False,
    )
    tokenizer.train_from_iterator(said, trainer)
    make: Any = transformers.PreTrainedTokenizerFast
    names = {"bos": _SPECIAL[1], "eos": _SPECIAL[2], "pad": _SPECIAL[0], "unk": _SPECIAL[0]}
    made = make(
        tokenizer_object=tokenizer,
        model_max_length=512,
        **{f"{name}_token": token for name, token in names.items()},
    )
    made.chat_template = _TEMPLATE
    return made


def make_model(tokenizer: Any) -> tuple[Any, Any]:
    """The model, untrained, of 1.6 million parameters; and its processor."""
    make: Any = transformers
    layers = {"hidden_size": _WIDTH, "intermediate_size": 3 * _WIDTH, "num_hidden_layers": 4, "num_attention_heads": 4}
    text = make.LlamaConfig(
        **layers,
        vocab_size=len(tokenizer),
        num_key_value_heads=2,
        max_position_embeddings=512,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=True,
    )
    config = make.LlavaConfig(
        vision_config=make.CLIPVisionConfig(**layers, image_size=world.SIZE, patch_size=16, projection_dim=_WIDTH),
        text_config=text,
        image_token_index=tokenizer.convert_tokens_to_ids(_IMAGE),
        image_seq_length=_PATCHES,
        vision_feature_select_strategy="default",
        vision_feature_layer=-1,
        tie_word_embeddings=True,
    )
    side = world.SIZE
    processor = make.LlavaProcessor(
        image_processor=make.CLIPImageProcessorPil(
            size={"shortest_edge": side}, crop_size={"height": side, "width": side}
        ),
        tokenizer=tokenizer,
        patch_size=16,
        vision_feature_select_strategy="default",
        chat_template=_TEMPLATE,
        image_token=_IMAGE,
        num_additional_image_tokens=1,
    )
    return make.LlavaForConditionalGeneration(config), processor


def draw(processor: Any, random: Random, count: int) -> tuple[Tensor, list[world.Picture]]:
    """Pictures, as the tower takes them: count x 3 x 64 x 64."""
    pictures = [world.sample(random) for _ in range(count)]
    mean, deviation = (
        np.array(one, np.float32) for one in (processor.image_processor.image_mean, processor.image_processor.image_std)
    )
    pixels = (np.stack([one.pixels for one in pictures]).astype(np.float32) / 255 - mean) / deviation
    return torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy()), pictures


def train_tower(tower: Any, processor: Any, random: Random, steps: int) -> None:
    """Learn to see: which subject, which colour."""
    subjects, colours = list(world.SUBJECTS), list(world.COLOURS)
    head = nn.Linear(_WIDTH, len(subjects) + len(colours))
    optimizer = torch.optim.AdamW([*tower.parameters(), *head.parameters()], 1e-3, weight_decay=0.02)
    for step in range(steps):
        _set_rates(optimizer, [1e-3], step, steps)
        pixels, pictures = draw(processor, random, 64)
        guess = head(tower(pixel_values=pixels).last_hidden_state[:, 1:].mean(1))
        shown = torch.tensor([subjects.index(one.subject) for one in pictures])
        coloured = torch.tensor([colours.index(one.colour) for one in pictures])
        loss = functional.cross_entropy(guess[:, : len(subjects)], shown)
        loss = loss + functional.cross_entropy(guess[:, len(subjects) :], coloured)
        _learn(optimizer, loss, list(tower.parameters()))
        _say("tower", step, loss)


def train_talk(model: Any, processor: Any, random: Random, arguments: argparse.Namespace) -> None:
    """Learn to answer about what is seen; the tower learns on, slowly."""
    parts = model.model
    groups = [list(one.parameters()) for one in (parts.vision_tower, parts.multi_modal_projector, parts.language_model)]
    optimizer = torch.optim.AdamW([{"params": one} for one in groups], weight_decay=0.01)
    for step in range(arguments.steps):
        _set_rates(optimizer, [3e-4, 2e-3, 2e-3], step, arguments.steps)
        counts = [2 if random.random() < arguments.pairs else 1 for _ in range(arguments.batch)]
        pixels, pictures = draw(processor, random, sum(counts))
        left = iter(pictures)
        ids, wanted = _conversations(processor.tokenizer, [[next(left) for _ in range(n)] for n in counts], random)
        out = model(input_ids=ids, pixel_values=pixels, use_cache=False).logits  # padded on the right, so no mask
        loss = functional.cross_entropy(out[:, :-1].flatten(0, 1), wanted[:, 1:].flatten(), ignore_index=-100)
        _learn(optimizer, loss, [one for group in groups for one in group])
        _say("talk", step, loss)


def _conversations(tokenizer: Any, pictures: list[list[world.Picture]], random: Random) -> tuple[Tensor, Tensor]:
    """Token ids, and what is to be learnt of them: the answers alone."""
    rows = []
    for shown in pictures:
        question, answer = talk(shown, random)
        content = [*[{"type": "image"}] * len(shown), {"type": "text", "text": question}]
        asked = tokenizer.apply_chat_template(
            [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False
        )
        both = (asked.replace(_IMAGE, _IMAGE * _PATCHES), f"{answer}{_SPECIAL[2]}")
        rows.append([tokenizer(one, add_special_tokens=False).input_ids for one in both])
    longest = max(len(prompt) + len(answer) for prompt, answer in rows)
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    wanted = torch.full_like(ids, -100)
    for number, (prompt, answer) in enumerate(rows):
        ids[number, : len(prompt) + len(answer)] = torch.tensor(prompt + answer)
        wanted[number, len(prompt) : len(prompt) + len(answer)] = torch.tensor(answer)
    return ids, wanted


def _set_rates(optimizer: torch.optim.Optimizer, rates: list[float], step: int, steps: int) -> None:
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = rate * min(1, (step + 1) / 40) * (0.53 + 0.47 * math.cos(math.pi * step / steps))


def _learn(optimizer: torch.optim.Optimizer, loss: Tensor, parameters: list[Any]) -> None:
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    optimizer.step()


def _say(what: str, step: int, loss: Tensor) -> None:
    if step % 100 == 99:
        print(f"{time.monotonic() - _BEGAN:6.0f} s  {what} step {step + 1}: loss {loss.item():.4f}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--vit-steps", type=int, default=800)
    parser.add_argument("--steps", type=int, default=2400)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--pairs", type=float, default=0.0, help="share of the conversations that hold two pictures")
    parser.add_argument("--warm", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    main(parser.parse_args())
