"""Tiny pipelines that draw from pictures and words together: FLUX Kontext, FLUX.2, Qwen-Image-Edit."""

import json
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers as _transformers

from tests.families.makers.pictures import flows
from tests.families.makers.pictures.parts import qwen_tokenizer, vae

transformers: Any = _transformers  # whose types lack much
_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.content is string %}{{ m.content }}{% else %}"
    "{% for part in m.content %}{{ part.text }}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
)


def kontext() -> Any:
    """FLUX Kontext, whose autoencoder makes a pixel of eight times eight, as it resizes what it is given."""
    decoder = vae(
        1, blocks=4, use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.0609, scaling_factor=1.5035
    )
    return flows.flux(diffusers.FluxKontextPipeline, vae=decoder)


def _flux2_parts(width: int) -> dict[str, Any]:
    """What both kinds of FLUX.2 have. ``width``: of what the transformer is told of a text's token."""
    torch.manual_seed(0)
    network = diffusers.Flux2Transformer2DModel(
        patch_size=1,
        in_channels=8,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=width,
        axes_dims_rope=(4, 4, 4, 4),
    )
    torch.manual_seed(0)
    decoder = diffusers.AutoencoderKLFlux2(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(8, 8, 8, 8),
        layers_per_block=1,
        latent_channels=2,
        norm_num_groups=2,
        sample_size=32,
    )
    return {
        "transformer": network.eval(),
        "vae": decoder.eval(),
        "scheduler": diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
    }


def klein(*, distilled: bool = True) -> Any:
    """FLUX.2 klein, which reads with Qwen 3, of whose layers it takes the 9th, 18th and 27th."""
    text = transformers.Qwen3Config(
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=27,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=8,
        vocab_size=1000,
    )
    parts = _flux2_parts(24)
    return diffusers.Flux2KleinPipeline(
        **parts,
        text_encoder=transformers.Qwen3ForCausalLM(text).eval(),
        tokenizer=qwen_tokenizer(_TEMPLATE),
        is_distilled=distilled,
    )


def flux2() -> Any:
    """FLUX.2 dev, which reads with Mistral 3, of whose layers it takes the 10th, 20th and 30th."""
    tokenizer = qwen_tokenizer(_TEMPLATE)
    tokenizer.add_special_tokens({"additional_special_tokens": ["[IMG]", "[IMG_BREAK]", "[IMG_END]"]})
    processor = transformers.PixtralProcessor(
        transformers.PixtralImageProcessor(patch_size=4, size={"longest_edge": 64}),
        tokenizer,
        patch_size=4,
        spatial_merge_size=2,
        chat_template=_TEMPLATE,
    )
    text = transformers.MistralConfig(
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=30,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=8,
        vocab_size=1000,
        sliding_window=None,
    )
    tower = transformers.PixtralVisionConfig(
        hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=64, patch_size=4
    )
    config = transformers.Mistral3Config(
        text_config=text, vision_config=tower, image_token_index=processor.image_token_id, spatial_merge_size=2
    )
    parts = _flux2_parts(24)
    return diffusers.Flux2Pipeline(
        **parts, text_encoder=transformers.Mistral3ForConditionalGeneration(config).eval(), tokenizer=processor
    )


def qwen_edit(cls: Any, folder: Path) -> Path:
    """A pipeline of Qwen-Image-Edit, saved. Its processor takes videos, too, for which torchvision is wanted."""
    tokenizer = qwen_tokenizer(_TEMPLATE)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|video_pad|>"]})
    parts = flows.qwen(levels=4).components | {"tokenizer": tokenizer}
    image = tokenizer.convert_tokens_to_ids("<|image_pad|>")
    parts["text_encoder"].config.image_token_id = image
    parts["text_encoder"].model.config.image_token_id = image
    cls(**parts, processor=tokenizer).save_pretrained(folder)
    make_processor(folder / "processor")
    index = json.loads((folder / "model_index.json").read_text())
    index["processor"] = ["transformers", "Qwen2VLProcessor"]
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder


def make_processor(folder: Path) -> None:
    """Add to a tokenizer what makes it the processor that the hub's Qwen-Image-Edit have."""
    pictures = transformers.Qwen2VLImageProcessorPil(merge_size=2, patch_size=14)
    pictures.save_pretrained(folder)
    said = json.loads((folder / "preprocessor_config.json").read_text())
    said |= {"processor_class": "Qwen2VLProcessor", "image_processor_type": "Qwen2VLImageProcessor"}
    (folder / "preprocessor_config.json").write_text(json.dumps(said))
