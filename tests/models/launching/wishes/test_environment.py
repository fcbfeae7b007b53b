"""Which environment variables a launch may give to its processes (``models.launching.wishes.environment``)."""

import pytest
from pydantic import ValidationError

from models.errors import InvalidRequest
from models.launching.launch import Launch, resolve


def refusal(name: str, value: str = "x") -> InvalidRequest:
    launch = Launch.model_validate({"model_name": "echo", "envs": {"FINE": "1", name: value}})
    with pytest.raises(InvalidRequest) as caught:
        resolve(launch, None, trust_remote_code=False)
    return caught.value


@pytest.mark.parametrize(
    "name",
    [
        *("HF_TOKEN", "VLLM_ATTENTION_BACKEND", "VLLM_DISABLE_COMPILE_CACHE", "OMP_NUM_THREADS", "NCCL_DEBUG", "a"),
        *("PYTORCH_CUDA_ALLOC_CONF", "TOKENIZERS_PARALLELISM", "HF_HUB_OFFLINE", "MALLOC_ARENA_MAX", "_X1", "KMP_X"),
    ],
)
def test_what_an_engine_reads_is_taken(name: str) -> None:
    launch = Launch.model_validate({"model_name": "echo", "envs": {name: "a\nb ü"}})
    assert resolve(launch, None, trust_remote_code=False).envs == {name: "a\nb ü"}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        *((name, "gpu_idx") for name in ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER")),
        *((name, "a setting of the server") for name in ("HEADRACE_ADMIN_KEY", "HEADRACE_X", "headrace_x")),
        *((name, "which code runs") for name in ("PATH", "Path", "PYTHONPATH", "PYTHONSTARTUP", "LD_PRELOAD")),
        *((name, "which code runs") for name in ("DYLD_INSERT_LIBRARIES", "GGML_BACKEND_PATH", "OMP_TOOL_LIBRARIES")),
        *(
            (name, "which code runs")
            for name in ("VLLM_NCCL_SO_PATH", "CUDA_HOME", "CC", "HOME", "BASH_ENV", "LOCPATH")
        ),
        *(
            (name, "which code runs")
            for name in ("NCCL_NET_PLUGIN", "TRITON_CACHE_DIR", "VLLM_CACHE_ROOT", "XDG_X_DIRS")
        ),
        ("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "which code runs"),
        ("VLLM_ALLOW_INSECURE_SERIALIZATION", "which code runs"),
        *((name, "download_hub") for name in ("HF_ENDPOINT", "HF_HUB_CACHE", "MODELSCOPE_DOMAIN")),
        *(
            (name, "tokens are sent")
            for name in ("https_proxy", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_ENDPOINT_URL")
        ),
        ("TMPDIR", "temporary files"),
        ("HF_HUB_TRUST_REMOTE_CODE", "trust_remote_code"),
        *((name, "cannot be the name") for name in ("", "1A", "A B", "A=B", "É", "A" * 129, "A\n")),
    ],
)
def test_what_decides_which_code_runs_is_refused_with_what_to_do(name: str, why: str) -> None:
    error = refusal(name)
    assert why in error.message
    assert error.param == f"envs.{name[:128]}"


@pytest.mark.parametrize(("value", "why"), [("x" * 4001, "longer than 4000"), ("******", "give it again")])
def test_values_that_cannot_be_meant_are_refused_and_not_repeated(value: str, why: str) -> None:
    error = refusal("HF_TOKEN", value)
    assert why in error.message
    assert "xxx" not in error.message
    assert error.param == "envs.HF_TOKEN"


@pytest.mark.parametrize("envs", [{"A": 1}, {"A": None}, ["A"], {"A": "b\0"}, {f"A{n}": "" for n in range(65)}])
def test_envs_are_texts_by_name(envs: object) -> None:
    with pytest.raises(ValidationError):
        Launch.model_validate({"model_name": "echo", "envs": envs})


def test_none_ask_for_nothing() -> None:
    nothing: tuple[dict[str, str] | None, ...] = (None, {})
    for envs in nothing:
        launch = Launch.model_validate({"model_name": "echo", "envs": envs})
        assert resolve(launch, None, trust_remote_code=False).envs is None
