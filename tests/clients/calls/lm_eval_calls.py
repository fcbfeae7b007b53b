"""Scores a task of a few questions. Run with lm-evaluation-harness' interpreter: ``python lm_eval_calls.py URL KEY``.

Takes a JSON object on stdin: ``model``, the folder of its ``tokenizer``, how many in a ``batch``, and whether prompts
are sent as ``tokens``. Writes one on stdout: the log likelihoods of each question's choices, and the ``accuracy``.
"""

import json
import os
import sys
from pathlib import Path

os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}

from lm_eval import simple_evaluate
from lm_eval.tasks import TaskManager

HERE = Path(__file__).parent / "lm_eval_task"


def main(url: str, key: str) -> None:
    """Run the task."""
    os.environ["OPENAI_API_KEY"] = key
    os.chdir(HERE)
    asked = json.load(sys.stdin)
    scored = simple_evaluate(
        model="local-completions",
        model_args={
            "model": asked["model"],
            "base_url": f"{url}/v1/completions",
            "tokenizer": asked["tokenizer"],
            "tokenizer_backend": "huggingface",
            "tokenized_requests": asked["tokens"],
            "max_length": 512,
            "max_retries": 1,
        },
        tasks=["capitals"],
        task_manager=TaskManager(include_path=str(HERE), include_defaults=False),
        batch_size=asked["batch"],
        bootstrap_iters=0,
    )
    samples = sorted(scored["samples"]["capitals"], key=lambda sample: sample["doc_id"])
    likelihoods = [[float(choice[0]) for choice in sample["filtered_resps"]] for sample in samples]
    json.dump({"likelihoods": likelihoods, "accuracy": scored["results"]["capitals"]["acc,none"]}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
