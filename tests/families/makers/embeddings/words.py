"""Tiny tokenizers of the kinds that encoders and decoders have, trained on a few sentences in milliseconds."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

SENTENCES = [
    "A stone lies in the water of the river, and nobody sees it.",
    "Water runs down the hill; seven years later it is dry.",
    "What is the music of a small band worth?",
    "The cat naps on the sofa while the kitten plays with a ball of wool.",
    "Stocks fell sharply on Monday, said the paper: 0 or 1 of 10.",
    "<Query>: <Document>: <Instruct>: query: document: passage: Relevance: A: B:",
    "Given a web search query, retrieve relevant passages that answer the query",
    "You are a search relevance expert who evaluates how well documents match search queries.",
    *(["yes", "no", "Yes", "No", "1", "0"] * 30),
]
_QWEN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CHATML = (
    "{% for message in messages %}{% if message.role in ('system', 'user', 'assistant') %}"
    "{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
"""A template for chatting, as a model has it that others became embedders and rerankers of: it knows no document."""
PAIRS = (
    "<|im_start|>system\n{{ messages | selectattr('role', 'eq', 'system') | map(attribute='content') | first "
    "| default('Judge the Document.') }}<|im_end|>\n<|im_start|>user\n"
    "<Query>: {{ messages | selectattr('role', 'eq', 'query') | map(attribute='content') | first }}\n"
    "<Document>: {{ messages | selectattr('role', 'eq', 'document') | map(attribute='content') | first }}<|im_end|>\n"
    "<|im_start|>assistant\n"
)
"""A template of the roles that sentence-transformers gives a pair."""


def wordpiece(folder: Path, **more: Any) -> PreTrainedTokenizerFast:
    """BERT's kind: lower case, ``[CLS]`` and ``[SEP]`` around."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(SENTENCES, trainers.WordPieceTrainer(vocab_size=400, special_tokens=specials))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return _saved(folder, tokenizer, pad="[PAD]", unk="[UNK]", cls="[CLS]", sep="[SEP]", mask="[MASK]", **more)


def sentencepiece(folder: Path, **more: Any) -> PreTrainedTokenizerFast:
    """XLM-RoBERTa's kind: ``<s>`` and ``</s>`` around, blanks as ``▁``."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer.train_from_iterator(SENTENCES, trainers.BpeTrainer(vocab_size=400, special_tokens=specials))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    more = {"model_input_names": ["input_ids", "attention_mask"]} | more
    return _saved(
        folder, tokenizer, pad="<pad>", unk="<unk>", bos="<s>", eos="</s>", cls="<s>", sep="</s>", mask="<mask>", **more
    )


def bytelevel(folder: Path, *, ends: bool = False, chat: str | None = CHATML, **more: Any) -> PreTrainedTokenizerFast:
    """Qwen's kind: bytes, nothing around, or ``<|endoftext|>`` behind where it ``ends``; with a chat template."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_QWEN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>"]
    trainer = trainers.BpeTrainer(
        vocab_size=480, special_tokens=specials, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    if ends:
        ending = processors.TemplateProcessing(
            single="$A <|endoftext|>", pair="$A <|endoftext|> $B <|endoftext|>", special_tokens=[("<|endoftext|>", 0)]
        )
        tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), ending])
    more = {"model_input_names": ["input_ids", "attention_mask"], "chat_template": chat} | more
    return _saved(folder, tokenizer, pad="<|endoftext|>", eos="<|im_end|>", **more)


def gemma(folder: Path, **more: Any) -> PreTrainedTokenizerFast:
    """Gemma's kind: ``<bos>`` in front, blanks as ``▁`` and no word by itself."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", behavior="merged_with_next")
    tokenizer.decoder = decoders.Replace("▁", " ")
    specials = ["<pad>", "<eos>", "<bos>", "<unk>"]
    tokenizer.train_from_iterator([*SENTENCES, "\n"], trainers.BpeTrainer(vocab_size=400, special_tokens=specials))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A", pair="<bos> $A <bos> $B", special_tokens=[("<bos>", 2)]
    )
    more = {"model_input_names": ["input_ids", "attention_mask"]} | more
    return _saved(folder, tokenizer, pad="<pad>", unk="<unk>", bos="<bos>", eos="<eos>", **more)


def _saved(folder: Path, tokenizer: Tokenizer, **more: Any) -> PreTrainedTokenizerFast:
    named = {
        f"{name}_token": more.pop(name) for name in ("pad", "unk", "bos", "eos", "cls", "sep", "mask") if name in more
    }
    built: Any = PreTrainedTokenizerFast
    found = built(tokenizer_object=tokenizer, **{"model_max_length": 256} | named | more)
    found.save_pretrained(folder)
    return found  # type: ignore[no-any-return]


def texts() -> Sequence[str]:
    """Of several lengths, some with blanks at their ends and letters that no sentence above has."""
    return [
        "x",
        "A stone lies in the water.",
        "  spaces   around  ",
        "Ünïcödé, 日本語 and 🎉",
        "What is the music of a small band worth?\n",
        "the river " * 11,
        "Stocks fell sharply on Monday, said the paper. " * 4,
        "seven years later " * 120,
    ]
