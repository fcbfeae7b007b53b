"""How the tokens of a text become one vector, where the launch says it, or where the files of a model do not."""

from typing import Any

from sentence_transformers.sentence_transformer.modules import Pooling as PoolingModule
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_FOR_MASKED_LM_MAPPING

from models.errors import InvalidRequest
from models.launching.options.vectors import Pooling

_MODES = {"last": "lasttoken", "mean_sqrt_len": "mean_sqrt_len_tokens", "weighted_mean": "weightedmean"}
"""The library's names, where they are not ours."""
_NAMES = {theirs: ours for ours, theirs in _MODES.items()}


def set_pooling(model: Any, asked: Pooling | None, *, assumed: bool) -> dict[str, Any]:
    """Pool as the launch asks. Returns what there is to tell: the pooling, and whether it is ``assumed``.

    Where the files of a model say nothing the library takes the mean. That of a decoder, whose first tokens have not
    seen the text, is of no use, and no such model is known: for decoders it is the last token. Raises InvalidRequest
    where the launch asks for a pooling, and the model has none.
    """
    places = [number for number, module in enumerate(model) if isinstance(module, PoolingModule)]
    if not places:
        if asked is not None:
            raise InvalidRequest("this model makes its vectors without pooling: leave it out", param="pooling")
        return {}
    own = model[places[0]]
    wanted = _MODES.get(asked, asked) if asked else "lasttoken" if assumed and _decoder(model[0].config) else None
    if wanted is not None:
        mode: Any = wanted
        model[places[0]] = own = PoolingModule(own.embedding_dimension, mode, include_prompt=own.include_prompt)
    modes = (own.pooling_mode,) if isinstance(own.pooling_mode, str) else own.pooling_mode
    named = "+".join(_NAMES.get(mode, mode) for mode in modes)
    return {"pooling": named, "pooling_assumed": assumed and asked is None}


def _decoder(config: Any) -> bool:
    """Whether each token of this network sees only those before it."""
    both_ways = getattr(config, "use_bidirectional_attention", False) or not getattr(config, "is_causal", True)
    kind = type(config)
    writes = kind in MODEL_FOR_CAUSAL_LM_MAPPING and kind not in MODEL_FOR_MASKED_LM_MAPPING
    return writes and not both_ways and not getattr(config, "is_encoder_decoder", False)
