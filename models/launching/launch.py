"""What a launch asks for (Xinference's names), and the instance that it becomes."""

import re
from dataclasses import asdict
from typing import Annotated, Any, Literal, get_args

from pydantic import ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from models.catalogue import Spec, find
from models.catalogue.entries import HubName
from models.engines import FACTS, EngineFacts, ModelType, engine_named, serving
from models.errors import HeadraceError, InvalidRequest, UnsupportedParameter
from models.launching import hub
from models.launching.about import about, names_code
from models.launching.engine_choice import Fit, choose, lone_network, on_vllm, refuse_misfit, type_on
from models.launching.launch_options import Adapters, adapted, asks_for_nothing, refuse_others
from models.launching.lone.networks import refuse_alone
from models.launching.options.schemas import check_options
from models.launching.peek import Peek
from models.launching.wishes.environment import Environment, refuse_environment
from models.launching.wishes.places import ReplicaPlaces, gpus_of, param_of, places_of, refuse_gpus, wishes
from models.modalities.base import Bool, Int
from models.rows.instances import NewInstance
from models.staying import Staying
from models.unicode import refuse_broken

_NAME = r"[A-Za-z0-9][A-Za-z0-9._:@+-]*"
AnyHub = Literal["", "auto", "huggingface", "modelscope", "openmind_hub", "csghub"]
"""Xinference's hubs, of which two are fetched from."""

UID = rf"^(?=.{{1,100}}$){_NAME}(?:/{_NAME})*$"
"""What a uid may be: names with slashes between them, such as ``org/name``, of nothing that a path would escape."""

_SIZE = re.compile(r"\d{1,6}(\.\d{1,9})?", re.ASCII)
_TAKEN = re.compile(
    r"instances|vllm-supported|.*/(?:progress|replicas|logs|events|cancel|reload|reload/config)|.*/replicas/[^/]*"
)
"""Uids whose paths under ``/v1/models/`` mean something else."""


def is_uid(text: str) -> bool:
    """Whether a model may have this uid."""
    return bool(re.fullmatch(UID, text)) and not _TAKEN.fullmatch(text)


def was_uid(text: str) -> bool:
    """Whether a model may have this uid, or had it before some of them became paths: such a one can be ended."""
    return bool(re.fullmatch(UID, text))


class Launch(Staying):
    """Body of ``POST /v1/models``. Any further key is an option of the engine, which refuses those that it lacks."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())

    model_name: str = Field(min_length=1, max_length=200, description="name in the catalogue, or your own")
    model_uid: Annotated[str, Field(max_length=100)] | None = None
    model_type: ModelType | None = Field(None, description="without it what its files and its engine say")
    model_engine: str | None = Field(None, max_length=40)
    model_format: str | None = Field(None, max_length=40)
    quantization: str | None = Field(None, max_length=40)
    model_size_in_billions: Annotated[str, Field(max_length=20)] | Int | float | None = None
    model_path: str | None = Field(
        None, min_length=1, max_length=1000, description="a path, hf:…, modelscope:… or pkg:…"
    )
    n_gpu: Literal["auto", "None"] | Annotated[Int, Field(ge=0, le=64)] | None = "auto"
    gpu_idx: Annotated[list[Annotated[Int, Field(ge=0, le=999)]], Field(max_length=64)] | None = Field(
        None, description="the GPUs of a replica, by their indices on its node"
    )
    node: Annotated[str, Field(max_length=150)] | None = Field(None, description="the node on which it is to run")
    worker_ip: Annotated[str, Field(max_length=150)] | None = Field(None, description="Xinference's name of node")
    replica: Annotated[Int, Field(ge=1, le=64)] = 1
    replica_config: ReplicaPlaces | None = Field(None, description="the devices of each replica, an entry for each")
    request_limits: Annotated[Int, Field(ge=1, le=100_000)] | None = None
    trust_remote_code: Bool = Field(False, description="of no effect where the weights name no code of their own")
    peft_model_config: Adapters | None = Field(None, description="adapters, as Xinference's clients give them")
    enable_thinking: Bool | None = Field(None, description="whether it thinks where a request does not say (vllm)")
    envs: Environment | None = Field(None, description="environment variables of its processes")
    download_hub: AnyHub | None = Field(
        None, description="the hub of a name that does not say it; else HEADRACE_MODEL_SRC"
    )
    load_on_request: Bool = Field(False, description="load it when it is first asked for, not now")
    priority: Annotated[Int, Field(ge=0, le=1_000_000)] = Field(
        100, description="of models that come back after a start, those of lower numbers are loaded first"
    )
    max_retries: Annotated[Int, Field(ge=0, le=1000)] = Field(
        5, description="how often it is tried again, after growing pauses, where it could not be loaded"
    )
    retry_interval_s: Annotated[Int, Field(ge=1, le=86_400)] = Field(
        60, description="seconds before the first of these tries; the pauses double, up to an hour"
    )
    autostart: Bool = Field(True, description="bring it back at the next `headrace up`")

    @model_validator(mode="before")
    @classmethod
    def _given(cls, value: Any) -> Any:
        """Leave out options that are null, and those of Xinference's client that ask for nothing."""
        value = refuse_broken(value, nul=False)
        if not isinstance(value, dict):
            return value
        inert = {name for name, one in value.items() if name not in cls.model_fields and asks_for_nothing(name, one)}
        return {name: one for name, one in value.items() if name not in inert}

    @field_validator("n_gpu", mode="before")
    @classmethod
    def _number_or_word(cls, value: Any) -> Any:
        """Refuse other words and numbers with all that can be said, of which pydantic names a part."""
        word = isinstance(value, str) and value not in ("auto", "None")
        if word or (isinstance(value, int) and value < 0):
            raise PydanticCustomError("n_gpu", "say a number of GPUs, auto, or None for the CPU")
        return value

    @field_validator("model_size_in_billions", mode="before")
    @classmethod
    def _no_size(cls, value: Any) -> Any:
        """Refuse true and false, which would be 1 and 0."""
        if isinstance(value, bool):
            raise PydanticCustomError("size", "give billions of parameters, such as 7 or 0.5")
        return value

    @field_validator("gpu_idx", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        """Xinference's clients give a number for one GPU, and an empty list for none in particular."""
        return [value] if isinstance(value, int) else value or None

    @field_validator("model_uid", "download_hub", "node", "worker_ip", mode="before")
    @classmethod
    def _empty_is_none(cls, value: Any) -> Any:
        return None if value == "" else value

    @property
    def hub(self) -> HubName | None:
        """The hub that is asked for, if any. Raises UnsupportedParameter for those that we know by name alone."""
        if self.download_hub in (None, "", "auto"):
            return None
        if self.download_hub == "huggingface" or self.download_hub == "modelscope":
            return self.download_hub
        known = " or ".join(get_args(HubName))
        message = f"weights are fetched from {known}, not from '{self.download_hub}'"
        raise UnsupportedParameter(message, param="download_hub")

    @property
    def uid(self) -> str:
        """The uid to call the model by."""
        return self.model_uid or self.model_name

    @property
    def size(self) -> float | None:
        """Its size in billions of parameters; Xinference's clients write 1_8 for 1.8. Raises InvalidRequest."""
        given = self.model_size_in_billions
        if given is None:
            return None
        if isinstance(given, int | float) and 0 < given < 1e6:
            return float(given)
        text = str(given).strip().lower().removesuffix("b").replace("_", ".")
        if not _SIZE.fullmatch(text):
            raise InvalidRequest(
                f"'{self.model_size_in_billions}' is no size: give billions of parameters, such as 7 or 0.5",
                param="model_size_in_billions",
            )
        return float(text)

    @property
    def coming_back(self) -> dict[str, Any]:
        """How it comes back after a failure or a start."""
        names = ("priority", "max_retries", "retry_interval_s", "autostart")
        return {name: getattr(self, name) for name in names}

    @property
    def options(self) -> dict[str, Any]:
        """The keys that are options of the engine."""
        return dict(self.model_extra or {})


def source_of(launch: Launch) -> str:
    """Where the weights of a launch come from; "" for engines without. Raises InvalidRequest, ModelNotFound."""
    if launch.model_path is not None:
        return hub.on_hub(launch.model_path, launch.hub)
    return _spec(launch, engine_asked(launch)).source


def resolve(launch: Launch, seen: Peek | None, *, trust_remote_code: bool, vllm_works: bool = False) -> NewInstance:
    """The instance that a launch asks for. ``seen`` is what a look at its weights showed; None: they were not seen.

    ``vllm_works``: on a GPU that the launch may have, which vLLM uses better than transformers. Raises InvalidRequest
    with the parameter at fault.
    """
    _check(launch)
    trusted = _trusted(launch, seen, allowed=trust_remote_code)
    engine = engine_asked(launch)
    if launch.model_path is not None:
        options: dict[str, Any] = {}
        hub.parse(source := source_of(launch))
        fit = choose(source, seen, engine, _type(launch, engine), launch.model_format)
        if vllm_works and engine is None and seen is not None and not launch.options:
            fit = on_vllm(fit, seen)
        if seen is not None:
            refuse_misfit(seen, fit.engine)
            _check_whole(launch, seen)
    else:
        spec = _spec(launch, engine)
        source, options = spec.source, dict(spec.options)
        fit = Fit(facts := FACTS[spec.engine], type_on(facts, launch.model_type or spec.model_type))
    _check_options(launch, fit)
    options |= fit.engine.type_options.get(fit.model_type, {})
    options |= adapted(launch.options, fit.engine, launch.peft_model_config, launch.enable_thinking)
    check_options(fit.engine.name, fit.model_type, options, trusted=trusted, beside=Launch.model_fields)
    new = NewInstance(
        uid=launch.uid,
        model_name=launch.model_name,
        model_type=fit.model_type,
        engine=fit.engine.name,
        model_format=launch.model_format,
        quantization=launch.quantization,
        size_in_billions=None if launch.model_size_in_billions is None else str(launch.model_size_in_billions),
        source=source,
        n_gpu=gpus_of(launch.n_gpu),
        gpu_idx=launch.gpu_idx,
        node=launch.node or launch.worker_ip,
        replica=launch.replica,
        replica_config=_places(launch),
        request_limits=launch.request_limits,
        trust_remote_code=trusted,
        load_on_request=launch.load_on_request,
        **launch.coming_back | launch.staying,
        options=options,
        envs=launch.envs or None,
        about=asdict(about(fit.engine.name, fit.model_type, seen, options)),
    )
    _check_gpus(new, fit, launch, seen)
    return new


def _trusted(launch: Launch, seen: Peek | None, *, allowed: bool) -> bool:
    """Whether code of the weights may run. Raises InvalidRequest where they need it, and it may not."""
    trusted = launch.trust_remote_code and allowed
    if launch.trust_remote_code and not trusted and seen is not None and names_code(seen):
        raise InvalidRequest(
            "the weights name code of their own: trust_remote_code needs HEADRACE_TRUST_REMOTE_CODE=true on the server",
            param="trust_remote_code",
        )
    return trusted


def _spec(launch: Launch, engine: EngineFacts | None) -> Spec:
    """The catalogue's way to run the model that a launch names. Raises ModelNotFound, InvalidRequest."""
    found = find(launch.model_name, engine.name if engine else None, launch.model_format, launch.quantization)
    if found.source and launch.size not in (None, found.size):
        there = f"it has {found.size:g} alone" if found.size else "leave model_size_in_billions out"
        raise InvalidRequest(f"'{found.name}' has no size {launch.size:g}: {there}", param="model_size_in_billions")
    return found


def _check(launch: Launch) -> None:
    """Raise InvalidRequest for what is wrong whatever the engine and the weights are."""
    refuse_others(launch.options)
    refuse_environment(launch.envs or {})
    _ = launch.size  # refuses what is none, also where no size is looked for
    if launch.node and launch.worker_ip and launch.node != launch.worker_ip:
        raise InvalidRequest("worker_ip is another name of node, and says another one: leave it out", param="worker_ip")
    refuse_gpus(launch.n_gpu, launch.gpu_idx or [], "gpu_idx")
    if not is_uid(launch.uid):
        raise InvalidRequest(
            f"'{launch.uid}' cannot be a uid: give model_uid, of letters, digits and ._:@+-, as name or org/name",
            param="model_uid",
        )


def _type(launch: Launch, engine: EngineFacts | None) -> ModelType | None:
    """The type of model that is asked for: what has a base is the network of pictures."""
    return launch.model_type or ("image" if engine is None and "base" in launch.options else None)


def _check_whole(launch: Launch, seen: Peek) -> None:
    """Raise InvalidRequest where the weights are the network of a pipeline alone, and the rest of it is not named."""
    if "base" not in launch.options and (network := lone_network(seen)):
        raise refuse_alone(seen.place, network)


def _places(launch: Launch) -> list[dict[str, Any]] | None:
    """Where each replica goes. Raises InvalidRequest."""
    beside = {"n_gpu": launch.n_gpu or "None", "gpu_idx": launch.gpu_idx, "node": launch.node or launch.worker_ip}
    return places_of(launch.replica_config or [], launch.replica, beside)


def _check_gpus(new: NewInstance, fit: Fit, launch: Launch, seen: Peek | None) -> None:
    """Raise UnsupportedParameter where GPUs are asked for, and the engine cannot use them, or not several."""
    for number, wish in wishes(new):
        if fit.engine.cpu_only and "cpu" not in wish.kinds:
            why = "computes on the CPU alone: leave out n_gpu and gpu_idx (--n-gpu, --gpu-idx)"
        elif wish.count == 1 or fit.engine.many_gpus:
            continue
        else:
            able = [one.name for one in serving(fit.model_type) if one.many_gpus and _loads(one, launch, seen)]
            other = f", or launch it on {' or '.join(able)}" if able else ""
            why = f"computes a model on one GPU: to use several, launch several replicas (--replica){other}"
        raise UnsupportedParameter(
            f"the engine {fit.engine.name} {why}",
            param=param_of(new, number, "gpu_idx" if wish.gpu_idx else "n_gpu"),
        )


def _check_options(launch: Launch, fit: Fit) -> None:
    """Raise UnsupportedParameter for an option that another engine has, and this one has not."""
    for option in launch.options:
        owner = next((one.name for one in FACTS.values() if option in one.own_options), fit.engine.name)
        if owner != fit.engine.name:
            raise UnsupportedParameter(
                f"'{option}' is an option of {owner}, and this is launched on {fit.engine.name}: leave it out, or name "
                f"{owner} (model_engine, --model-engine) where it can load the model",
                param=option,
            )


def _loads(engine: EngineFacts, launch: Launch, seen: Peek | None) -> bool:
    """Whether another engine loads what is launched."""
    try:
        if launch.model_path is None:
            find(launch.model_name, engine.name, None, None)
        else:
            choose(source_of(launch), seen, engine, launch.model_type, launch.model_format)
    except HeadraceError:
        return False
    return True


def engine_asked(launch: Launch) -> EngineFacts | None:
    """The engine that the launch names. Raises InvalidRequest where there is none of that name."""
    if launch.model_engine is None:
        return None
    found = engine_named(launch.model_engine)
    if found is None:
        known = ", ".join(sorted(FACTS))
        raise InvalidRequest(f"there is no engine '{launch.model_engine}'; there are {known}", param="model_engine")
    return found
