"""Folders that nothing here serves as they are, as people try to launch them: by the family's name."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import save_file

from tests.families.listing.names import TEXT
from tests.families.makers.embeddings import embedders, rerankers
from tests.families.makers.embeddings.words import wordpiece
from tests.families.makers.seeing import unseen
from tests.families.makers.text.layouts import MANAGER
from tests.families.makers.text.making import made, write_tokenizer
from tests.families.makers.text.others import REFUSED

TINY: dict[str, Any] = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}


def t5(folder: Path) -> None:
    """T5: it has an encoder and a decoder."""
    make: Any = transformers
    config = make.T5Config(
        vocab_size=512, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4, decoder_start_token_id=0
    )
    make.T5ForConditionalGeneration(config).save_pretrained(folder)
    write_tokenizer(folder)


def quantised(method: str, folder: Path) -> None:
    """A Llama whose configuration says that its weights are quantised."""
    made(MANAGER["llama"], folder)
    config = json.loads((folder / "config.json").read_bytes())
    config["quantization_config"] = {"quant_method": method, "bits": 4, "group_size": 32}
    (folder / "config.json").write_text(json.dumps(config))


def adapter(folder: Path) -> None:
    """A LoRA adapter by itself."""
    described = {"peft_type": "LORA", "base_model_name_or_path": "org/base", "r": 8}
    (folder / "adapter_config.json").write_text(json.dumps(described))
    save_file({"base_model.model.lora_A.weight": torch.zeros(8, 32)}, folder / "adapter_model.safetensors")


def sentence_model(kind: str, folder: Path) -> None:
    """An encoder that sentence-transformers has saved as this kind of model."""
    embedders.minilm(folder)
    (folder / "config_sentence_transformers.json").write_text(json.dumps({"model_type": kind}))


def pipeline(name: str, folder: Path) -> None:
    """The index of a pipeline of this class, which is read before any weights are."""
    (folder / "model_index.json").write_text(json.dumps({"_class_name": name}))


def modules_of(kinds: list[str], folder: Path) -> None:
    """An encoder with these modules of sentence-transformers behind it."""
    wordpiece(folder)
    embedders.network(folder, "Bert", embedders.TINY, "ForMaskedLM")
    paths = ["", *(f"{at}_{kind.rpartition('.')[2]}" for at, kind in enumerate(kinds) if at)]
    entries = [
        {"idx": at, "name": str(at), "path": path, "type": kind}
        for at, (kind, path) in enumerate(zip(kinds, paths, strict=True))
    ]
    (folder / "modules.json").write_text(json.dumps(entries))


def own_network(folder: Path) -> None:
    """An encoder whose configuration names classes in files beside it."""
    embedders.minilm(folder)
    config = json.loads((folder / "config.json").read_bytes())
    own = {"model_type": "own_bert", "auto_map": {"AutoConfig": "own--configuration.OwnConfig"}}
    (folder / "config.json").write_text(json.dumps(config | own))


def hears(kind: str, head: str, settings: dict[str, Any], folder: Path) -> None:
    """A network of transformers that hears, other than Whisper."""
    config = getattr(transformers, f"{kind}Config")(**settings)
    getattr(transformers, kind + head)(config).save_pretrained(folder)


def files(names: list[str], folder: Path) -> None:
    """Files of other formats, as their repositories have them."""
    for name in names:
        (folder / name).write_bytes(b"\x80\x02}q\x00." * 20)


Maker = Callable[[Path], Any]
LIBRARY = "sentence_transformers.models."

OF_TEXT: dict[str, Maker] = {TEXT[name]: partial(made, layout) for name, layout in REFUSED.items()} | {
    "T5, BART and others with an encoder and a decoder": t5,
    "quantised safetensors (AWQ, GPTQ, compressed-tensors) without vLLM": partial(quantised, "awq"),
    "a LoRA adapter by itself": adapter,
}
OF_SIGHT: dict[str, Maker] = {
    "Kimi-VL, MiniCPM-V and others with a network of their own": unseen.kimi_vl,
    "Granite Speech": unseen.granite_speech,
}
OF_VECTORS: dict[str, Maker] = {
    "CLIP": embedders.clip,
    "SPLADE": partial(sentence_model, "SparseEncoder"),
    "ColBERT": partial(sentence_model, "MultiVectorEncoder"),
    "jina-embeddings-v2, v3 and others with modules of their own": partial(
        modules_of, ["custom_st.Transformer", f"{LIBRARY}Pooling"]
    ),
    "nomic-embed-text and others with a network of their own": own_network,
    "models with a Router": embedders.routed,
    "models whose last layers have a Router": embedders.routed_late,
    "cross-encoders of several labels (nli)": rerankers.three_labels,
}
OF_SOUND: dict[str, Maker] = {
    "Moonshine": partial(hears, "Moonshine", "ForConditionalGeneration", TINY),
    "Wav2Vec2, HuBERT": partial(hears, "Wav2Vec2", "ForCTC", TINY | {"conv_dim": (32,) * 7}),
    "SenseVoice, Paraformer": partial(files, ["model.pt", "config.yaml", "am.mvn"]),
    "Parakeet, Canary (NeMo)": partial(files, ["parakeet.nemo"]),
}
OF_VIDEO: dict[str, Maker] = {
    "LTX-2": partial(pipeline, "LTX2Pipeline"),
    "AnimateDiff": partial(pipeline, "AnimateDiffPipeline"),
    "Wan VACE": partial(pipeline, "WanVACEPipeline"),
    "Stable Video Diffusion": partial(pipeline, "StableVideoDiffusionPipeline"),
}
OF_PICTURES: dict[str, Maker] = {
    "a decoder by itself (Kandinsky 2.2)": partial(pipeline, "KandinskyV22Pipeline"),
    "a decoder by itself (Stable Cascade)": partial(pipeline, "StableCascadeDecoderPipeline"),
    "a prior by itself (Kandinsky 2.2)": partial(pipeline, "KandinskyV22PriorPipeline"),
    "unCLIP (Karlo)": partial(pipeline, "UnCLIPPipeline"),
}
