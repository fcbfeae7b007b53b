"""LoRA adapters for the tests: random ones, which change what a model says."""

import json
from pathlib import Path


def lora(folder: Path, model: Path, rank: int = 4) -> Path:
    """An adapter over the attention of this model, in the form that PEFT saves."""
    import torch
    from safetensors.torch import save_file

    config = json.loads((model / "config.json").read_bytes())
    width = config["hidden_size"]
    head = width // config["num_attention_heads"]
    random = torch.Generator().manual_seed(4)
    tensors = {}
    for layer in range(config["num_hidden_layers"]):
        for name, out in (("q_proj", width), ("v_proj", head * config["num_key_value_heads"])):
            place = f"base_model.model.model.layers.{layer}.self_attn.{name}"
            tensors[f"{place}.lora_A.weight"] = torch.randn(rank, width, generator=random) * 0.3
            tensors[f"{place}.lora_B.weight"] = torch.randn(out, rank, generator=random) * 0.3
    folder.mkdir(parents=True)
    save_file(tensors, folder / "adapter_model.safetensors")
    about = {"peft_type": "LORA", "r": rank, "lora_alpha": rank, "target_modules": ["q_proj", "v_proj"]}
    about |= {"task_type": "CAUSAL_LM", "bias": "none", "base_model_name_or_path": ""}
    (folder / "adapter_config.json").write_text(json.dumps(about))
    return folder
