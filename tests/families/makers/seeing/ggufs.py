"""A tiny model that sees, in safetensors and once more as the GGUF files of its text and of its projector."""

from pathlib import Path
from typing import Any

import gguf
import torch
import transformers

from tests.families.makers.embeddings import ggufs
from tests.families.makers.embeddings.embedders import DECODER
from tests.families.makers.embeddings.words import bytelevel

SIZE = 32
"""Width and height of the pictures that it sees as they are; others are scaled."""

make: Any = transformers
_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% if m['content'] is string %}{{ m['content'] }}{% else %}"
    "{% for p in m['content'] %}{% if p['type'] == 'image' %}<image>{% else %}{{ p['text'] }}{% endif %}{% endfor %}"
    "{% endif %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def llava(folder: Path) -> Path:
    """LLaVA over Qwen3 and SigLIP in ``folder``; the GGUF files are in the folder that is returned."""
    tokenizer = bytelevel(folder, chat=_TEMPLATE)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    tower = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = make.LlavaConfig(
        text_config=make.Qwen3Config(**DECODER),
        vision_config=make.SiglipVisionConfig(**tower, image_size=SIZE, patch_size=8, vision_use_head=False),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_select_strategy="full",
    )
    torch.manual_seed(7)
    network = make.LlavaForConditionalGeneration(config).eval()
    for part in (network.model.vision_tower, network.model.multi_modal_projector):
        for values in part.parameters():  # so that what is looked at makes a difference
            values.data.mul_(3)
    network.save_pretrained(folder)
    pictures = make.SiglipImageProcessorPil(size={"height": SIZE, "width": SIZE})
    make.LlavaProcessor(
        pictures,
        tokenizer,
        patch_size=8,
        vision_feature_select_strategy="full",
        chat_template=_TEMPLATE,
    ).save_pretrained(folder)
    return _converted(network, pictures, tokenizer, folder / "gguf")


def _converted(network: Any, pictures: Any, tokenizer: Any, folder: Path) -> Path:
    text = make.Qwen3ForCausalLM(network.config.text_config)
    text.model.load_state_dict(network.model.language_model.state_dict())
    text.lm_head.load_state_dict(network.lm_head.state_dict())
    text.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    ggufs.decoder(folder, None)
    _projector(network, pictures, folder / "mmproj-F32.gguf")
    (folder / "model.safetensors").unlink()
    return folder


def _projector(network: Any, pictures: Any, path: Path) -> None:
    """As llama.cpp's converter writes it for LLaVA 1.5."""
    config = network.config.vision_config
    writer = gguf.GGUFWriter(str(path), "clip")
    writer.add_type(gguf.GGUFType.MMPROJ)
    writer.add_clip_has_vision_encoder(True)
    writer.add_clip_projector_type("mlp")
    writer.add_vision_projection_dim(network.config.text_config.hidden_size)
    writer.add_vision_image_size(config.image_size)
    writer.add_vision_patch_size(config.patch_size)
    writer.add_vision_embedding_length(config.hidden_size)
    writer.add_vision_feed_forward_length(config.intermediate_size)
    writer.add_vision_block_count(config.num_hidden_layers)
    writer.add_vision_head_count(config.num_attention_heads)
    writer.add_vision_attention_layernorm_eps(config.layer_norm_eps)
    writer.add_vision_image_mean(pictures.image_mean)
    writer.add_vision_image_std(pictures.image_std)
    writer.add_vision_use_gelu(True)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.MMPROJ, config.num_hidden_layers)
    for name, one in network.model.vision_tower.state_dict().items():
        plain = name.removeprefix("vision_model.")
        found = names.get_name(f"vision_tower.vision_model.{plain}", try_suffixes=(".weight", ".bias"))
        if found is not None and "post_ln" not in found:  # LLaVA takes what goes into it
            writer.add_tensor(found, one.float().numpy())
    for name, one in network.model.multi_modal_projector.state_dict().items():
        layer, _, kind = name.partition(".")
        writer.add_tensor(f"mm.{0 if layer == 'linear_1' else 2}.{kind}", one.float().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
