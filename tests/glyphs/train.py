"""Train the model of ``models/catalogue/glyphs`` from nothing: about 25 minutes on one core.

``python -m tests.glyphs.train OUT [--vae-steps N] [--unet-steps N] [--warm DIR] [--seed N]``

Tokenizer, CLIP text encoder, autoencoder (8x smaller) and UNet (v-prediction) are all made here. What is shipped came
of two runs: 1,000 + 1,500 steps, then 800 + 1,500 that went on from the first (``--warm``).
"""

import argparse
import json
import math
import time
from pathlib import Path
from random import Random
from typing import Any

import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from torch import Tensor
from torch.nn import functional
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from tests.glyphs import glyphworld as world

_BEGAN = time.monotonic()
_PICTURES = 12_000
_TOKENS = 32
_SPLIT = r"""[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"""
_MORE_WORDS = (
    "photo painting of an and with on black background handwritten number digit shape small large color colour"
)
_SCHEDULE = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
    "set_alpha_to_one": False,
    "steps_offset": 1,
    "prediction_type": "v_prediction",
    "timestep_spacing": "trailing",
    "rescale_betas_zero_snr": True,
}


def main(arguments: argparse.Namespace) -> None:
    """Train the parts one after the other and save them as a pipeline in half precision."""
    torch.manual_seed(arguments.seed)
    random = Random(arguments.seed)
    tokenizer = make_tokenizer(random)
    vae, text, unet = make_networks(tokenizer)
    if arguments.warm:
        for network, name in ((vae, "vae"), (text, "text_encoder"), (unet, "unet")):
            state = type(network).from_pretrained(arguments.warm / name, torch_dtype=torch.float32).state_dict()
            network.load_state_dict(state)
    pictures = [world.sample(random) for _ in range(_PICTURES)]
    pixels = torch.stack([torch.from_numpy(one.pixels).permute(2, 0, 1) for one in pictures])
    train_vae(vae, pixels, arguments.vae_steps, 1e-3 if arguments.warm else 2e-3)
    latents = encode(vae, pixels)
    train_unet(unet, text, tokenizer, latents, pictures, random, arguments.unet_steps)
    save(arguments.out, vae, text, tokenizer, unet)


def make_tokenizer(random: Random) -> Any:
    """A byte-level tokenizer in CLIP's form whose words are those of this world."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_SPLIT), "removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    prompts = [
        world.prompt(subject, colour, random)
        for subject in world.SUBJECTS
        for colour in [*world.COLOURS, ""]
        for _ in range(6)
    ]
    trainer = trainers.BpeTrainer(
        vocab_size=10_000,
        end_of_word_suffix="</w>",
        initial_alphabet=alphabet,
        min_frequency=3,
        show_progress=False,
    )
    tokenizer.train_from_iterator([one.lower() for one in prompts] + [_MORE_WORDS] * 20, trainer)
    pairs = [
        tuple(merge.split(" ") if isinstance(merge, str) else merge)
        for merge in json.loads(tokenizer.to_str())["model"]["merges"]
    ]
    merged = [first + second for first, second in pairs]
    tokens = [*alphabet, *(one + "</w>" for one in alphabet), *merged, "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    make: Any = CLIPTokenizer
    return make(vocab=vocabulary, merges=pairs, model_max_length=_TOKENS)


def make_networks(tokenizer: Any) -> tuple[Any, Any, Any]:
    """The autoencoder, the text encoder and the UNet, untrained: 3.5 million parameters."""
    config: Any = CLIPTextConfig
    text = CLIPTextModel(
        config(
            vocab_size=len(tokenizer),
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=77,
            projection_dim=64,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            hidden_act="quick_gelu",
        )
    )
    vae = AutoencoderKL(
        down_block_types=["DownEncoderBlock2D"] * 4,
        up_block_types=["UpDecoderBlock2D"] * 4,
        block_out_channels=[8, 16, 32, 64],
        norm_num_groups=4,
        sample_size=world.SIZE,
        mid_block_add_attention=False,
    )
    unet = UNet2DConditionModel(
        sample_size=world.SIZE // 8,
        layers_per_block=1,
        block_out_channels=[64, 96],
        down_block_types=["CrossAttnDownBlock2D"] * 2,
        up_block_types=["CrossAttnUpBlock2D"] * 2,
        cross_attention_dim=64,
        attention_head_dim=4,
        norm_num_groups=16,
    )
    return vae, text, unet


def train_vae(vae: Any, pixels: Tensor, steps: int, rate: float) -> None:
    """Learn to squeeze pictures: pixels are N x 3 x 64 x 64, uint8."""
    vae.train()
    optimizer = torch.optim.AdamW(vae.parameters(), rate, betas=(0.9, 0.99), weight_decay=0)
    for step in range(steps):
        _set_rate(optimizer, rate, step, steps, 50)
        batch = pixels[torch.randint(len(pixels), (16,))].float() / 127.5 - 1
        with torch.autocast("cpu", torch.bfloat16):
            posterior = vae.encode(batch).latent_dist
            made = vae.decode(posterior.sample()).sample
        off = made.float() - batch
        weight = 1 + 3 * (batch.amax(1, keepdim=True) > 0).float()  # lit pixels count more: colours must come through
        loss = (weight * (off.abs() + off**2)).mean() + 2e-3 * posterior.kl().float().mean() / 256
        _learn(optimizer, loss, list(vae.parameters()))
        _say("vae", step, loss)


@torch.no_grad()
def encode(vae: Any, pixels: Tensor) -> Tensor:
    """All pictures as latents of unit deviation, N x 4 x 8 x 8; the factor goes into the autoencoder's config."""
    vae.eval()
    with torch.autocast("cpu", torch.bfloat16):
        parts = [vae.encode(part.float() / 127.5 - 1).latent_dist.mode().float() for part in torch.split(pixels, 100)]
    latents = torch.cat(parts)
    vae.register_to_config(scaling_factor=float(1 / latents.std()))
    return latents * float(vae.config.scaling_factor)


def train_unet(
    unet: Any,
    text: Any,
    tokenizer: Any,
    latents: Tensor,
    pictures: list[world.Picture],
    random: Random,
    steps: int,
) -> None:
    """Learn to draw what a prompt says; one prompt in ten is empty, for guidance. Keeps the moving average."""
    schedule = DDIMScheduler(**_SCHEDULE)
    parameters = [*unet.train().parameters(), *text.train().parameters()]
    optimizer = torch.optim.AdamW(parameters, 1.2e-3, betas=(0.9, 0.99), weight_decay=1e-2)
    average = [one.detach().clone() for one in parameters]
    for step in range(steps):
        _set_rate(optimizer, 1.2e-3, step, steps, 100)
        chosen = torch.randint(len(latents), (40,))
        prompts = [_prompt(pictures[number], random) for number in chosen.tolist()]
        ids = tokenizer(
            prompts, padding="max_length", truncation=True, max_length=_TOKENS, return_tensors="pt"
        ).input_ids
        clean = latents[chosen]
        noise, times = torch.randn_like(clean), torch.randint(0, 1000, (len(chosen),))
        noisy = schedule.add_noise(clean, noise, times)
        guess = unet(noisy, times, encoder_hidden_states=text(ids)[0]).sample
        loss = functional.mse_loss(guess, schedule.get_velocity(clean, noise, times))
        _learn(optimizer, loss, parameters)
        with torch.no_grad():
            torch._foreach_lerp_(average, parameters, 1 - min(0.995, (step + 2) / (step + 11)))
        _say("unet", step, loss)
    with torch.no_grad():
        for parameter, mean in zip(parameters, average, strict=True):
            parameter.copy_(mean)


def save(out: Path, vae: Any, text: Any, tokenizer: Any, unet: Any) -> None:
    """Write a StableDiffusionPipeline's directory, in half precision."""
    pipe = StableDiffusionPipeline(
        vae=vae.eval(),
        text_encoder=text.eval(),
        tokenizer=tokenizer,
        unet=unet.eval(),
        scheduler=DDIMScheduler(**_SCHEDULE),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.to(torch.float16)
    pipe.save_pretrained(out)
    print(f"saved {out}")


def _prompt(picture: world.Picture, random: Random) -> str:
    chance = random.random()
    if chance < 0.1:
        return ""
    return world.prompt(picture.subject, "" if chance < 0.2 else picture.colour, random)


def _set_rate(optimizer: torch.optim.Optimizer, rate: float, step: int, steps: int, warming: int) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate * min(1, (step + 1) / warming) * (0.5 + 0.5 * math.cos(math.pi * step / steps)) + 1e-5


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
    parser.add_argument("--vae-steps", type=int, default=1800)
    parser.add_argument("--unet-steps", type=int, default=3000)
    parser.add_argument("--warm", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    main(parser.parse_args())
