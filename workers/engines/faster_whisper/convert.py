"""``python -m workers.engines.faster_whisper.convert SOURCE TARGET``: from a folder of Hugging Face to CTranslate2's.

A process of its own: PyTorch and the weights, which are held several times meanwhile, leave the machine with it. It
fetches nothing, unpickles nothing and runs no code of the folder. Exit code ``UNFIT``: this folder cannot be converted,
for the reason that it wrote to its standard error as the last line.
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from models.modalities.transcription.languages import NAMES
from workers.engines.accelerator.torchvision_build import make_importable
from workers.engines.faster_whisper.conversion import UNFIT

make_importable()
from ctranslate2.converters import TransformersConverter  # noqa: E402  # it imports transformers
from ctranslate2.converters.transformers import transformers  # noqa: E402

_COPIED = ("tokenizer.json", "preprocessor_config.json")
_STORED = {"float16": "float16", "bfloat16": "bfloat16"}
"""In which numbers the weights are kept, by those that they come in; else in float32."""


class _Converter(TransformersConverter):  # type: ignore[misc]
    """The library's converter, of files on this machine alone, and of whole models alone."""

    def load_model(self, model_class: Any, model_name_or_path: str, **kwargs: Any) -> Any:
        model, found = model_class.from_pretrained(
            model_name_or_path, use_safetensors=True, local_files_only=True, output_loading_info=True, **kwargs
        )
        if missing := sorted(found["missing_keys"]):
            raise ValueError(f"its weights lack {len(missing)} tensors, among them {missing[0]}")
        return model


def main(source: Path, target: Path) -> int:
    """Write the converted model into ``target``, which must not exist."""
    try:
        config = transformers.AutoConfig.from_pretrained(source, local_files_only=True)
        stored = _STORED.get(str(getattr(config, "dtype", None)).removeprefix("torch."))
        _Converter(str(source), low_cpu_mem_usage=True).convert(str(target), quantization=stored)
        tokenizer = transformers.AutoTokenizer.from_pretrained(source, local_files_only=True)
    except (ValueError, KeyError, OSError, TypeError, AttributeError) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return UNFIT
    for name in _COPIED:
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)
    if not (target / "tokenizer.json").is_file():
        tokenizer.backend_tokenizer.save(str(target / "tokenizer.json"))
    _complete(target / "config.json", tokenizer)
    return 0


def _complete(path: Path, tokenizer: Any) -> None:
    """Add what the library takes from a ``generation_config.json``, which fine-tuned models often lack."""
    config = json.loads(path.read_text())
    if not config.get("lang_ids"):
        vocabulary = tokenizer.get_vocab()
        config["lang_ids"] = sorted(vocabulary[f"<|{code}|>"] for code in NAMES if f"<|{code}|>" in vocabulary)
    config |= {name: config.get(name) or [] for name in ("suppress_ids", "suppress_ids_begin")}
    path.write_text(json.dumps(config))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
