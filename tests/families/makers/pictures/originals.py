"""Checkpoints in one file, in the layout of Stable Diffusion's own code, made from pipelines of diffusers.

It is the way back of what diffusers' converters do, for UNets and autoencoders of four levels and CLIP.
"""

import re
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

_UNET = (
    ("time_embedding.linear_1", "time_embed.0"),
    ("time_embedding.linear_2", "time_embed.2"),
    ("conv_in.", "input_blocks.0.0."),
    ("conv_norm_out.", "out.0."),
    ("conv_out.", "out.2."),
    ("mid_block.resnets.0.", "middle_block.0."),
    ("mid_block.attentions.0.", "middle_block.1."),
    ("mid_block.resnets.1.", "middle_block.2."),
)
_RESNET = (
    ("norm1", "in_layers.0"),
    ("conv1", "in_layers.2"),
    ("time_emb_proj", "emb_layers.1"),
    ("norm2", "out_layers.0"),
    ("conv2", "out_layers.3"),
    ("conv_shortcut", "skip_connection"),
)
_VAE = (
    (r"(en|de)coder\.conv_norm_out", r"\1coder.norm_out"),
    (r"encoder\.down_blocks\.(\d)\.resnets\.", r"encoder.down.\1.block."),
    (r"encoder\.down_blocks\.(\d)\.downsamplers\.0", r"encoder.down.\1.downsample"),
    (r"mid_block\.resnets\.0", "mid.block_1"),
    (r"mid_block\.resnets\.1", "mid.block_2"),
    (r"mid_block\.attentions\.0\.group_norm", "mid.attn_1.norm"),
    (r"mid_block\.attentions\.0\.to_(q|k|v)", r"mid.attn_1.\1"),
    (r"mid_block\.attentions\.0\.to_out\.0", "mid.attn_1.proj_out"),
    ("conv_shortcut", "nin_shortcut"),
)


def single_file(pipe: Any, path: Path) -> Path:
    """Save Stable Diffusion 1 in one file."""
    tensors = {f"model.diffusion_model.{_of_unet(name)}": one for name, one in pipe.unet.state_dict().items()}
    for name, tensor in pipe.vae.state_dict().items():
        square = ".attn_1." in _of_vae(name) and name.endswith("weight") and tensor.ndim == 2
        tensors[f"first_stage_model.{_of_vae(name)}"] = tensor[:, :, None, None] if square else tensor
    for name, tensor in pipe.text_encoder.state_dict().items():
        tensors[f"cond_stage_model.transformer.text_model.{name.removeprefix('text_model.')}"] = tensor
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    return path


def _of_unet(name: str) -> str:
    for ours, theirs in _UNET:
        name = name.replace(ours, theirs) if name.startswith(ours) else name
    if found := re.match(r"down_blocks\.(\d)\.(resnets|attentions)\.(\d)\.", name):
        level, kind, number = int(found[1]), found[2] == "attentions", int(found[3])
        name = f"input_blocks.{3 * level + number + 1}.{int(kind)}." + name[found.end() :]
    elif found := re.match(r"down_blocks\.(\d)\.downsamplers\.0\.conv\.", name):
        name = f"input_blocks.{3 * (int(found[1]) + 1)}.0.op." + name[found.end() :]
    elif found := re.match(r"up_blocks\.(\d)\.(resnets|attentions)\.(\d)\.", name):
        level, kind, number = int(found[1]), found[2] == "attentions", int(found[3])
        name = f"output_blocks.{3 * level + number}.{int(kind)}." + name[found.end() :]
    elif found := re.match(r"up_blocks\.(\d)\.upsamplers\.0\.", name):
        level = int(found[1])
        name = f"output_blocks.{3 * level + 2}.{1 if level == 0 else 2}." + name[found.end() :]
    if re.match(r"(?:input|output)_blocks\.\d+\.0\.|middle_block\.[02]\.", name) and "transformer" not in name:
        for ours, theirs in _RESNET:
            name = name.replace(f".{ours}.", f".{theirs}.")
    return name


def _of_vae(name: str) -> str:
    for ours, theirs in _VAE:
        name = re.sub(ours, theirs, name)
    if found := re.match(r"decoder\.up_blocks\.(\d)\.", name):
        name = f"decoder.up.{3 - int(found[1])}." + name[found.end() :]
        name = name.replace("resnets.", "block.").replace("upsamplers.0", "upsample")
    return name
