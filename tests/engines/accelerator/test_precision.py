"""Which number format a model gets on which card."""

import pytest

from tests.engines.accelerator.cards import CARDS
from workers.engines.accelerator.precision import encoder_dtype, picture_dtype, text_dtype

OLD, NEW = ("T4",), ("3060", "4090", "A100", "H100", "GB10", "M")


@pytest.mark.parametrize(
    ("own", "family", "old", "new"),
    [
        ("bfloat16", "llama", "float16", "bfloat16"),
        ("float16", "llama", "float16", "float16"),
        ("float32", "llama", "float16", "bfloat16"),
        (None, "qwen3", "float16", "bfloat16"),
        ("bfloat16", "gemma2", "float32", "bfloat16"),
        ("bfloat16", "gemma3_text", "float32", "bfloat16"),
        ("float16", "gemma3", "float32", "bfloat16"),
        ("bfloat16", "glm4", "float32", "bfloat16"),
        ("bfloat16", "glm", "float16", "bfloat16"),
    ],
)
def test_of_a_language_model(own: str | None, family: str, old: str, new: str) -> None:
    assert {text_dtype(own, family, CARDS[name]) for name in OLD} == {old}
    assert {text_dtype(own, family, CARDS[name]) for name in NEW} == {new}
    assert text_dtype(own, family, None) == "float32"


@pytest.mark.parametrize(
    ("own", "family", "old", "new"),
    [
        ("float32", "bert", "auto", "auto"),
        (None, "bert", "auto", "auto"),
        ("bfloat16", "qwen3", "float16", "auto"),
        ("float16", "xlm-roberta", "float16", "auto"),
        ("bfloat16", "gemma3_text", "float32", "auto"),
    ],
)
def test_of_an_encoder(own: str | None, family: str, old: str, new: str) -> None:
    assert {encoder_dtype(own, family, CARDS[name]) for name in OLD} == {old}
    assert {encoder_dtype(own, family, CARDS[name]) for name in NEW} == {new}
    assert encoder_dtype(own, family, None) == "float32"


@pytest.mark.parametrize(
    ("classes", "transformer", "old", "new"),
    [
        (("CLIPTextModel", "UNet2DConditionModel", "AutoencoderKL"), False, "float16", "float16"),
        (("T5EncoderModel", "FluxTransformer2DModel", "AutoencoderKL"), True, "float16", "bfloat16"),
        (("Gemma2Model", "SanaTransformer2DModel", "AutoencoderDC"), True, "float32", "bfloat16"),
        (("Qwen2_5_VLForConditionalGeneration", "QwenImageTransformer2DModel"), True, "float32", "bfloat16"),
    ],
)
def test_of_a_pipeline(classes: tuple[str, ...], transformer: bool, old: str, new: str) -> None:
    assert {picture_dtype(classes, CARDS[name], transformer=transformer) for name in OLD} == {old}
    assert {picture_dtype(classes, CARDS[name], transformer=transformer) for name in NEW} == {new}
    assert picture_dtype(classes, None, transformer=transformer) == "float32"
