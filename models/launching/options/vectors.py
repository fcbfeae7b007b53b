"""What a launch may set of an engine of sentence-transformers."""

from typing import Literal

from pydantic import Field

from models.launching.options.base import Options

Modality = Literal["embeddings", "rerank"]
Pooling = Literal["mean", "cls", "last", "max", "mean_sqrt_len", "weighted_mean"]


class SentenceTransformersOptions(Options):
    """``None`` means what suits the device and the model."""

    modality: Modality | None = Field(None, description="What the weights are to serve; set from the model's type.")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="float32 on a CPU; on a GPU the model's own, or what an old GPU computes well."
    )
    max_length: int | None = Field(None, ge=4, le=1 << 24, description="Tokens of one input, the model's own included.")
    max_batch_tokens: int | None = Field(
        None, ge=64, description="Of a batch, padding included; 4096 on a CPU, 32768 on a GPU."
    )
    max_batch: int = Field(256, ge=1, le=8192, description="Sequences of a batch.")
    max_inflight: int = Field(256, ge=1, le=4096, description="Requests at once.")
    n_threads: int | None = Field(None, ge=1, le=1024, description="CPU threads; on a GPU 8 at most.")
    lanes: int | None = Field(
        None, ge=1, le=64, description="Batches computed at once, which share the threads; 2 on a CPU, 1 on a GPU."
    )
    normalize: bool = Field(
        False, description="Embeddings of length 1, scores from 0 to 1, also where not the model's."
    )
    prompts: dict[str, str] = Field(
        {}, description="Beside the model's own: what precedes a text, or a query of rerank."
    )
    default_prompt: str | None = Field(None, description="The one for requests without 'input_type', by name.")
    pooling: Pooling | None = Field(
        None, description="How a text's tokens become one vector, if not as the model says."
    )
    pair_template: str | None = Field(
        None,
        max_length=16_384,
        description="A reranker's input, with {query} and {document}, if not as the model says.",
    )
    relevant_token: str | None = Field(
        None, min_length=1, description="Of a causal reranker: the token whose logit is the score; 'yes'."
    )
    irrelevant_token: str | None = Field(
        None, description="Of a causal reranker: the token whose logit is taken off; 'no'; empty: none."
    )
    attention: Literal["sdpa", "eager", "flash_attention_2"] | None = Field(
        None, description="sdpa, or what the network has."
    )
