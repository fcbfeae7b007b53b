"""The configurations of Stable Diffusion 1, 2 and XL, as their makers published them, for checkpoints in one file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers.engines.diffusers.clip.tokenizer import clip_tokenizer

_ATTENDS = ("CrossAttnDownBlock2D", "CrossAttnUpBlock2D")
_BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "num_train_timesteps": 1000}
_STEPS = {"set_alpha_to_one": False, "skip_prk_steps": True, "steps_offset": 1, "clip_sample": False}


@dataclass(frozen=True, slots=True)
class Layout:
    """A family of checkpoints: its pipeline, and the configuration of each part, by its folder's name."""

    pipeline: str
    parts: Mapping[str, tuple[str, str, Mapping[str, Any]]]
    pads: Mapping[str, str]
    more: Mapping[str, Any]

    @property
    def index(self) -> dict[str, Any]:
        """The ``model_index.json`` of such a pipeline."""
        parts = {name: [library, cls] for name, (library, cls, _) in self.parts.items()}
        return {"_class_name": self.pipeline, **parts, **self.more}

    def write(self, folder: Path) -> None:
        """Write what diffusers reads beside the weights into an empty folder."""
        (folder / "model_index.json").write_text(json.dumps(self.index))
        for name, (_, cls, config) in self.parts.items():
            if name in self.pads:
                clip_tokenizer(self.pads[name]).save_pretrained(folder / name)
                continue
            (folder / name).mkdir()
            file = "scheduler_config.json" if name == "scheduler" else "config.json"
            (folder / name / file).write_text(json.dumps({"_class_name": cls, **config}))


def layout_of(kind: str, *, predicts: str, zero_snr: bool, channels: int, small: bool) -> Layout | None:
    """The layout of a kind of checkpoints, by diffusers' name for it; None where there is none here.

    ``predicts`` and ``zero_snr`` as schedulers have them; ``channels`` that the UNet reads; ``small``: trained at 512
    pixels where others of its kind were at 768.
    """
    scheduler = _BETAS | _STEPS | {"prediction_type": predicts}
    if zero_snr:
        scheduler |= {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
    masked = channels == 9
    if kind in ("v1", "inpainting"):
        text = _clip(768, 3072, 12, 12, "quick_gelu", 768)
        unet = _unet(channels, 64, [8] * 4, 768)
        return _layout("StableDiffusion", masked, scheduler, "PNDMScheduler", unet, _vae(512, 0.18215), text)
    if kind in ("v2", "inpainting_v2"):
        text = _clip(1024, 4096, 16, 23, "gelu", 512)
        side = 64 if small or masked else 96
        unet = _unet(channels, side, [5, 10, 20, 20], 1024, use_linear_projection=True, upcast_attention=True)
        vae = _vae(8 * side, 0.18215)
        return _layout("StableDiffusion", masked, scheduler, "DDIMScheduler", unet, vae, text, pads={"tokenizer": "!"})
    if kind in ("xl_base", "xl_inpaint"):
        return _xl(channels, scheduler, masked=masked)
    if kind == "xl_refiner":
        return _refiner(scheduler)
    return None


def _xl(channels: int, scheduler: dict[str, Any], *, masked: bool) -> Layout:
    unet = _unet(channels, 128, [5, 10, 20], 2048, use_linear_projection=True) | {
        "block_out_channels": [320, 640, 1280],
        "down_block_types": ["DownBlock2D", _ATTENDS[0], _ATTENDS[0]],
        "up_block_types": [_ATTENDS[1], _ATTENDS[1], "UpBlock2D"],
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 2816,
        "transformer_layers_per_block": [1, 2, 10],
    }
    vae = _vae(1024, 0.13025) | {"force_upcast": True}
    first, second = _clip(768, 3072, 12, 12, "quick_gelu", 768), _clip(1280, 5120, 20, 32, "gelu", 1280)
    spaced = {"timestep_spacing": "leading", "interpolation_type": "linear"} | scheduler
    plain = _layout("StableDiffusionXL", masked, spaced, "EulerDiscreteScheduler", unet, vae, first)
    parts = {
        **{name: part for name, part in plain.parts.items() if name not in ("safety_checker", "feature_extractor")},
        "text_encoder_2": ("transformers", "CLIPTextModelWithProjection", second),
        "tokenizer_2": ("transformers", "CLIPTokenizer", {}),
    }
    pads = {**plain.pads, "tokenizer_2": "!"}
    return Layout(plain.pipeline, parts, pads, {"force_zeros_for_empty_prompt": True})


def _refiner(scheduler: dict[str, Any]) -> Layout:
    """SDXL's refiner, which reads with the second text encoder alone, and is told how a picture should be liked."""
    plain = _xl(4, scheduler, masked=False)
    unet = dict(plain.parts["unet"][2]) | {
        "attention_head_dim": [6, 12, 24, 24],
        "block_out_channels": [384, 768, 1536, 1536],
        "down_block_types": ["DownBlock2D", _ATTENDS[0], _ATTENDS[0], "DownBlock2D"],
        "up_block_types": ["UpBlock2D", _ATTENDS[1], _ATTENDS[1], "UpBlock2D"],
        "cross_attention_dim": 1280,
        "projection_class_embeddings_input_dim": 2560,
        "transformer_layers_per_block": 4,
    }
    parts = {name: part for name, part in plain.parts.items() if name not in ("text_encoder", "tokenizer")}
    parts["unet"] = (*plain.parts["unet"][:2], unet)
    more = {"force_zeros_for_empty_prompt": False, "requires_aesthetics_score": True}
    nothing = {"text_encoder": [None, None], "tokenizer": [None, None]}
    return Layout("StableDiffusionXLImg2ImgPipeline", parts, {"tokenizer_2": "!"}, more | nothing)


def _layout(
    family: str,
    masked: bool,
    scheduler: Mapping[str, Any],
    sampler: str,
    unet: Mapping[str, Any],
    vae: Mapping[str, Any],
    text: Mapping[str, Any],
    *,
    pads: Mapping[str, str] | None = None,
) -> Layout:
    parts: dict[str, tuple[str, str, Mapping[str, Any]]] = {
        "vae": ("diffusers", "AutoencoderKL", vae),
        "unet": ("diffusers", "UNet2DConditionModel", unet),
        "scheduler": ("diffusers", sampler, scheduler),
        "text_encoder": ("transformers", "CLIPTextModel", text),
        "tokenizer": ("transformers", "CLIPTokenizer", {}),
    }
    pipeline = f"{family}{'Inpaint' if masked else ''}Pipeline"
    return Layout(pipeline, parts, pads or {"tokenizer": "<|endoftext|>"}, {})


def _unet(channels: int, side: int, heads: list[int], context: int, **more: Any) -> dict[str, Any]:
    return {
        "in_channels": channels,
        "out_channels": 4,
        "sample_size": side,
        "attention_head_dim": heads if len(set(heads)) > 1 else heads[0],
        "cross_attention_dim": context,
        "block_out_channels": [320, 640, 1280, 1280],
        "down_block_types": [*[_ATTENDS[0]] * 3, "DownBlock2D"],
        "up_block_types": ["UpBlock2D", *[_ATTENDS[1]] * 3],
        "layers_per_block": 2,
    } | more


def _vae(side: int, scale: float) -> dict[str, Any]:
    return {
        "block_out_channels": [128, 256, 512, 512],
        "down_block_types": ["DownEncoderBlock2D"] * 4,
        "up_block_types": ["UpDecoderBlock2D"] * 4,
        "latent_channels": 4,
        "layers_per_block": 2,
        "sample_size": side,
        "scaling_factor": scale,
    }


def _clip(width: int, inner: int, heads: int, layers: int, act: str, projected: int) -> dict[str, Any]:
    return {
        "model_type": "clip_text_model",
        "hidden_size": width,
        "intermediate_size": inner,
        "num_attention_heads": heads,
        "num_hidden_layers": layers,
        "hidden_act": act,
        "projection_dim": projected,
        "max_position_embeddings": 77,
        "vocab_size": 49408,
        "bos_token_id": 0,
        "eos_token_id": 2,
        "pad_token_id": 1,
    }
