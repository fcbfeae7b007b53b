"""Which network lies alone in a file, as Civitai and ComfyUI have them: found by the names of its tensors, or a header.

Such a file is loaded with the option ``base``: the folder or the repository of a pipeline that has the other parts.
"""

from models.errors import InvalidRequest
from models.launching.peek import Peek

_PREFIX = "model.diffusion_model."
_OF_A_CHECKPOINT = f"{_PREFIX}input_blocks."
"""What the names of a UNet's tensors begin with, where a checkpoint of Stable Diffusion is one file."""
_BY_TENSOR = {
    "distilled_guidance_layer.in_proj.bias": "Chroma",
    "double_stream_modulation_img.lin.weight": "FLUX.2",
    "single_stream_modulation.lin.weight": "FLUX.2",
    "double_blocks.0.img_attn.norm.key_norm.scale": "FLUX",
    "joint_blocks.0.context_block.adaLN_modulation.1.bias": "Stable Diffusion 3",
    "double_layers.0.attn.w1q.weight": "AuraFlow",
    "double_stream_blocks.0.block.adaLN_modulation.1.bias": "HiDream",
    "layers.0.adaLN_modulation.0.weight": "Z-Image",
    "cap_embedder.0.weight": "Lumina 2",
    "blocks.0.cross_attn.q_linear.weight": "Sana",
    "txtfusion.projector.weight": "Krea 2",
    "txt_in.text_norm.weight": "Qwen-Image",
    "transformer_blocks.0.attn.add_k_proj.bias": "a diffusion transformer",
}
"""A tensor of each network, in the layout of its makers or, the last, of diffusers. What stands first counts."""

PICTURES_IN_GGUF = {
    "flux": "FLUX",
    "flux2": "FLUX.2",
    "sd3": "Stable Diffusion 3",
    "qwen_image": "Qwen-Image",
    "aura": "AuraFlow",
    "auraflow": "AuraFlow",
    "hidream": "HiDream",
    "lumina2": "Lumina 2 or Z-Image",
    "z_image": "Z-Image",
    "chroma": "Chroma",
    "krea2": "Krea 2",
}
"""The networks that draw, by the architectures that GGUF files of them name."""
VIDEOS_IN_GGUF = ("wan", "hyvid", "hunyuan_video", "ltxv", "ltx2", "cosmos", "mochi")
UNREAD_IN_GGUF = ("sd1", "sd2", "sdxl")
"""UNets, of which diffusers reads no GGUF files."""


def is_checkpoint(peek: Peek) -> bool:
    """Whether a safetensors file is a whole checkpoint of Stable Diffusion."""
    return any(name.startswith(_OF_A_CHECKPOINT) for name in peek.tensors)


def network_of(peek: Peek, architecture: str) -> str:
    """What the network belongs to that lies alone in a file, in words; "" where it is none that draws.

    ``architecture`` is what a GGUF file names, "" for others.
    """
    if not peek.single or is_checkpoint(peek):
        return ""
    names = (_BY_TENSOR[one] for one in _BY_TENSOR if one in peek.tensors or _PREFIX + one in peek.tensors)
    return PICTURES_IN_GGUF.get(architecture) or next(names, "")


def unread(architecture: str) -> str:
    """Why no engine serves a GGUF file of this architecture that belongs to a pipeline; "" for others."""
    if architecture in VIDEOS_IN_GGUF:
        return "it is the network of a pipeline that makes videos: launch the folder of the pipeline"
    if architecture in UNREAD_IN_GGUF:
        return "diffusers reads no UNets in GGUF: launch the checkpoint in safetensors"
    return ""


def refuse_alone(place: str, network: str) -> InvalidRequest:
    """The refusal of a network that is launched without ``base``. ``place`` is what messages call the file."""
    return InvalidRequest(
        f"{place} holds the network of {network} alone: give the option base, the folder or the repository "
        "(hf:org/name) of a pipeline of that family, which has the other parts",
        param="base",
    )
