"""What may fail while vLLM loads a model. Runs in its environment, see test_environment.py."""

import pytest
from vllm.config import ModelConfig
from vllm.model_executor.models import registry

from models.errors import EngineFailure
from tests.support.weights import smollm2_directory
from workers.engines.vllm.answer import checked

pytestmark = pytest.mark.weights


def test_a_class_that_could_not_be_looked_at_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(fn: object) -> None:
        raise RuntimeError("Error raised in subprocess")

    monkeypatch.setattr(registry, "_run_in_subprocess", killed)
    monkeypatch.setattr(registry._LazyRegisteredModel, "_load_modelinfo_from_cache", lambda *_: None)
    registry._try_inspect_model_cls.cache_clear()

    with pytest.raises(EngineFailure, match="the log says more"):
        checked(ModelConfig, {"model": str(smollm2_directory())})

    registry._try_inspect_model_cls.cache_clear()
