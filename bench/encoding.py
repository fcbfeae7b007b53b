"""sentence-transformers without a server: ``python -m bench.encoding MODALITY SOURCE``.

It loads a model, then reads commands from standard input, one a line, ``{"texts", "at_once"}`` and for rerank
``"query"``, and writes the seconds that each took to standard output.
"""

import json
import os
import sys
from time import perf_counter
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")


def main() -> None:
    """Load the model, then serve commands from standard input."""
    import torch
    from sentence_transformers import CrossEncoder, SentenceTransformer

    modality, source = sys.argv[1:]
    kind: Any = CrossEncoder if modality == "rerank" else SentenceTransformer
    model = kind(source, device="cpu", model_kwargs={"dtype": torch.float32})
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        texts, size = asked["texts"], asked["at_once"]
        began = perf_counter()
        for at in range(0, len(texts), size):
            some = texts[at : at + size]
            if modality == "rerank":
                model.predict([(asked["query"], text) for text in some], batch_size=64, show_progress_bar=False)
            else:
                model.encode(some, batch_size=64, show_progress_bar=False)
        print(json.dumps({"elapsed_s": perf_counter() - began}), flush=True)


if __name__ == "__main__":
    main()
