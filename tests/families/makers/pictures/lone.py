"""The networks of tiny pipelines, each alone in a file: in safetensors, or in GGUF as quantised by its own package."""

import re
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from safetensors.torch import save_file

_SD3 = (
    ("pos_embed.pos_embed", "pos_embed"),
    ("pos_embed.proj.", "x_embedder.proj."),
    ("time_text_embed.timestep_embedder.linear_1.", "t_embedder.mlp.0."),
    ("time_text_embed.timestep_embedder.linear_2.", "t_embedder.mlp.2."),
    ("time_text_embed.text_embedder.linear_1.", "y_embedder.mlp.0."),
    ("time_text_embed.text_embedder.linear_2.", "y_embedder.mlp.2."),
    ("norm_out.linear.", "final_layer.adaLN_modulation.1."),
    ("proj_out.", "final_layer.linear."),
    ("transformer_blocks.", "joint_blocks."),
    (".attn.to_out.0.", ".x_block.attn.proj."),
    (".norm1.linear.", ".x_block.adaLN_modulation.1."),
    (".norm1_context.linear.", ".context_block.adaLN_modulation.1."),
    (".ff.net.0.proj.", ".x_block.mlp.fc1."),
    (".ff.net.2.", ".x_block.mlp.fc2."),
)


def alone(network: Any, path: Path) -> Path:
    """The network under the names that diffusers gives its tensors."""
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, path)
    return path


def quantised(network: Any, path: Path, architecture: str) -> Path:
    """The network as a GGUF file of 8 bits a number, where these come in rows of 32, and of 32 bits where not."""
    writer = gguf.GGUFWriter(path, architecture)
    for name, tensor in network.state_dict().items():
        values = np.ascontiguousarray(tensor.float().numpy())
        if values.ndim == 2 and values.shape[1] % 32 == 0:
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def sd3_original(network: Any, path: Path) -> Path:
    """The network of Stable Diffusion 3 of one block, in the layout of its makers, as ComfyUI wraps it."""
    made: dict[str, Any] = {}
    joined: dict[str, dict[str, Any]] = {}
    for name, tensor in network.state_dict().items():
        found = re.search(r"\.attn\.(?:to_|add_)([qkv])(_proj)?\.(weight|bias)$", name)
        if found:
            side = "context_block" if found[2] else "x_block"
            joined.setdefault(f"joint_blocks.0.{side}.attn.qkv.{found[3]}", {})[found[1]] = tensor
            continue
        swapped = "norm1_context" in name or name.startswith("norm_out")  # scale and shift change places
        value = torch.cat(tensor.chunk(2)[::-1]) if swapped else tensor
        for ours, theirs in _SD3:
            name = name.replace(ours, theirs)
        made[name] = value
    made |= {name: torch.cat([parts[one] for one in "qkv"]) for name, parts in joined.items()}
    save_file({f"model.diffusion_model.{name}": tensor.contiguous() for name, tensor in made.items()}, path)
    return path
