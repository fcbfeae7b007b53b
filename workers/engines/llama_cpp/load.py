"""From launch options to a running llama.cpp: what may be set, the file, the server inside this process."""

import http.client
import logging
import os
import secrets
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from models.errors import EngineFailure, HeadraceError, InvalidRequest
from models.launching.options.text import LlamaCppOptions
from workers.engines.base import Capacity, EngineSite, Report
from workers.engines.llama_cpp import sizes, wire
from workers.engines.llama_cpp.sight import projector
from workers.engines.llama_cpp.split import Split, split_over
from workers.engines.media.pixels import PixelRange
from workers.engines.text.dialects import Dialect, dialect_of

_SPINS = "2000"
"""How often a thread of llama.cpp looks whether the others are ready before it sleeps; 300,000 by OpenMP's default.

Where others want the cores, too, that time is lost for the very threads that are waited for.
"""
if "OMP_WAIT_POLICY" not in os.environ:  # the library reads it once, when it is loaded
    os.environ.setdefault("GOMP_SPINCOUNT", _SPINS)

_log = logging.getLogger(__name__)
_ALL_LAYERS = 999


class Http:
    """llama.cpp's own HTTP server, on the loopback address. Some facts can be asked of it alone. Blocks."""

    def __init__(self, url: str, secret: str) -> None:
        self._address = urlsplit(url)
        self._headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """The server's answer. Raises InvalidRequest where it refuses, OSError and HTTPException where it is away."""
        connection = http.client.HTTPConnection(self._address.hostname or "", self._address.port, timeout=30)
        try:
            sent = None if body is None else wire.encode(body)
            connection.request("GET" if sent is None else "POST", path, sent, self._headers)
            answer = connection.getresponse()
            decoded = msgspec.json.decode(answer.read())
            if answer.status != 200:
                raise InvalidRequest(str(decoded.get("error", {}).get("message", decoded)))
            return decoded
        finally:
            connection.close()


@dataclass(frozen=True, slots=True)
class LoadedGguf:
    """A running llama.cpp. ``server`` is an ``xllamacpp.Server``, which ends when nothing refers to it any more.

    ``context`` and ``vocabulary`` are in tokens; ``filler`` is a token that is text by itself. ``native``: the template
    describes tools, and llama.cpp reads the calls that result. ``spaced``: the tokenizer puts a space before a text.
    ``sees``: there is a projector for pictures, of which ``pixels`` are looked at.
    """

    server: Any
    http: Http
    dialect: Dialect
    parallel: int
    context: int
    vocabulary: int
    filler: int
    native: bool
    spaced: bool
    sees: bool = False
    pixels: PixelRange = field(default_factory=PixelRange)

    @property
    def capacity(self) -> Capacity:
        """See ``base.Loaded``."""
        return Capacity(self.parallel, self.context)


def load_model(site: EngineSite, options: LlamaCppOptions, report: Report) -> LoadedGguf:
    """Start llama.cpp, warm it, and ask it for facts about the file."""
    path = gguf(Path(site.source))
    beside = projector(Path(site.source), options.mmproj)
    report("loading", 0.0)
    secret = secrets.token_urlsafe(32)
    split = split_of(site, options)
    options = fitted(path, site, options, split, beside.stat().st_size if beside else 0)
    server = serve(path, site.device, options, split, secret, beside=beside)
    report("warming", 0.0)
    _warm(server)
    http = Http(server.listening_address, secret)
    props = http.ask("/props")
    able = props.get("chat_template_caps", {})
    return LoadedGguf(
        server=server,
        http=http,
        dialect=_dialect(props.get("chat_template", ""), options),
        parallel=options.n_parallel,
        context=int(props["default_generation_settings"]["n_ctx"]),
        vocabulary=int(http.ask("/v1/models")["data"][0]["meta"]["n_vocab"]),
        filler=int(http.ask("/tokenize", {"content": "a", "add_special": False})["tokens"][-1]),
        native=bool(able.get("supports_tools") and able.get("supports_tool_calls")),
        spaced=_spaced(http),
        sees=bool(props.get("modalities", {}).get("vision")),
        pixels=PixelRange(options.min_pixels, options.max_pixels),
    )


def _dialect(template: str, options: LlamaCppOptions) -> Dialect:
    """The dialect of prompts that are made here. llama.cpp hides special tokens in the text, so none marks anything."""
    dialect = dialect_of(template, options.tool_format, options.reasoning_format).writable
    hidden = dialect.tags is not None and dialect.tags.special
    return replace(dialect, tags=None) if hidden else dialect


def split_of(site: EngineSite, options: LlamaCppOptions) -> Split:
    """How the model is divided among the GPUs of the site. Raises InvalidRequest."""
    kind, _, number = site.device.partition(":")
    gpus = 0 if kind == "cpu" else max(1, site.gpus)
    split = split_over(gpus, options.split_mode, options.tensor_split, options.main_gpu)
    return split if gpus > 1 else Split(main=int(number or 0))


def fitted(path: Path, site: EngineSite, options: LlamaCppOptions, split: Split, beside: int = 0) -> LlamaCppOptions:
    """The options for these devices: what the launch leaves open is what fits; on a CPU it stays as it is.

    ``beside``: bytes of the projector, which is on the first GPU, too.
    Raises InvalidRequest where llama.cpp sees fewer GPUs than the replica has.
    """
    import xllamacpp

    kind, _, number = site.device.partition(":")
    count = max(1, site.gpus)
    cards = [] if kind == "cpu" else sizes.cards_of(xllamacpp.get_device_info(), int(number or 0), count)
    if not cards:
        return options
    if len(cards) < count:
        raise InvalidRequest(f"llama.cpp sees {len(cards)} of the replica's {count} GPUs", param="n_gpu")
    free = [replace(cards[0], free_bytes=max(0, cards[0].free_bytes - beside)), *cards[1:]]
    fitting: dict[str, int | None] = {
        "n_threads": sizes.threads_of(options.n_threads, options.n_gpu_layers, on_gpu=True)
    }
    if "n_parallel" not in options.model_fields_set:
        fitting["n_parallel"] = sizes.parallel_of(
            path,
            list(zip(free, split.fractions([card.free_bytes for card in free]), strict=True)),
            context=options.n_ctx,
            most=options.n_parallel,
            types=(options.cache_type_k, options.cache_type_v),
            layers=options.n_gpu_layers,
        )
    return options.model_copy(update=fitting)


def _warm(server: Any) -> None:
    """Answer one chat: the first compiles the template and touches the weights, 2 s that no client should wait."""
    chunks: list[bytes] = []
    body = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}
    try:
        server.handle_chat_completions(wire.encode(body), chunks.append)
    except (ValueError, RuntimeError) as error:
        _log.warning("this model cannot chat: %s", error)


def _spaced(http: Http) -> bool:
    """Whether the tokenizer puts a space before a text.

    Where it does, the texts of tokens that llama.cpp gives to llguidance lack their spaces, so grammars do not work.
    """
    asked = {"content": "a", "add_special": False, "with_pieces": True}
    return "".join(wire.piece(token["piece"]) for token in http.ask("/tokenize", asked)["tokens"]) != "a"


def gguf(source: Path) -> Path:
    """The file to load: ``source`` itself, or the only model in a directory (or the first part of that model)."""
    if source.is_dir():
        files = sorted(p for p in source.glob("*.gguf") if not p.name.startswith("mmproj"))
        whole = [p for p in files if "-of-" not in p.name or "-00001-of-" in p.name]
        if len(whole) != 1:
            raise InvalidRequest(f"{source} holds {len(whole)} GGUF models; name the file", param="model_path")
        source = whole[0]
    if not source.is_file():
        raise InvalidRequest(f"there is no file {source}", param="model_path")
    with source.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise InvalidRequest(f"{source} is not a GGUF file", param="model_path")
    return source


def gpu_layers(asked: int | None, *, on_gpu: bool) -> int:
    """How many layers the GPU gets. Raises InvalidRequest where some are asked for, and the device is a CPU."""
    if asked and not on_gpu:
        raise InvalidRequest(
            f"'n_gpu_layers' is {asked}, and this replica is on a CPU: leave it out, or have a GPU on which llama_cpp "
            "works (n_gpu 1, --n-gpu 1)",
            param="n_gpu_layers",
        )
    return _ALL_LAYERS if asked is None and on_gpu else asked or 0


def _set_context(params: Any, options: LlamaCppOptions) -> None:
    """Set how attention is computed, what the cache holds, and how a chat is written and read."""
    import xllamacpp

    params.flash_attn_type = {
        "auto": xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_AUTO,
        "on": xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_ENABLED,
        "off": xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED,
    }[options.flash_attn]
    params.cache_type_k = xllamacpp.ggml_type[f"GGML_TYPE_{options.cache_type_k.upper()}"]
    params.cache_type_v = xllamacpp.ggml_type[f"GGML_TYPE_{options.cache_type_v.upper()}"]
    params.cache_ram_mib = options.cache_ram_mib
    params.cache_idle_slots = options.cache_ram_mib > 0
    formats = xllamacpp.common_reasoning_format
    params.reasoning_format = (
        formats.COMMON_REASONING_FORMAT_NONE
        if options.reasoning_format == "none"
        else formats.COMMON_REASONING_FORMAT_AUTO
    )
    if options.chat_template is not None:
        params.chat_template = options.chat_template


def serve(
    path: Path,
    device: str,
    options: LlamaCppOptions,
    split: Split,
    secret: str,
    pooling: str = "",
    beside: Path | None = None,
) -> Any:
    """A running ``xllamacpp.Server``.

    ``pooling``: one that embeds or ranks, by llama.cpp's name of it; ``beside``: the projector of one that sees.
    """
    import xllamacpp

    on_gpu = device != "cpu"
    if on_gpu and not any(info["type"].name.endswith("GPU") for info in xllamacpp.get_device_info()):
        raise InvalidRequest("this build of xllamacpp has no GPU support", param="device")
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_parallel = options.n_parallel
    params.n_ctx = options.n_ctx * options.n_parallel
    params.n_batch = options.n_batch or (2048 if on_gpu else 256)
    params.n_ubatch = min(options.n_ubatch, params.n_batch)
    params.n_gpu_layers = gpu_layers(options.n_gpu_layers, on_gpu=on_gpu)
    params.no_op_offload = not on_gpu  # or a build for Metal would compute long prompts there
    params.split_mode = xllamacpp.llama_split_mode[f"LLAMA_SPLIT_MODE_{split.mode.upper()}"]
    params.tensor_split = split.padded
    params.main_gpu = split.main
    params.fit_params = False  # it would shrink the context without any error
    if options.n_threads is not None:
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = options.n_threads
    _set_context(params, options)
    if beside is not None:
        params.mmproj.path = str(beside)
        params.mmproj_use_gpu = on_gpu
    if pooling:
        params.embedding = True
        params.pooling_type = xllamacpp.llama_pooling_type[f"LLAMA_POOLING_TYPE_{pooling.upper()}"]
    params.prefill_assistant = False
    params.ui = False
    params.api_keys = [secret]  # it opens a port on the loopback address in any case
    params.n_threads_http = 1
    params.verbosity = 1
    try:
        return xllamacpp.Server(params)
    except (ValueError, RuntimeError) as error:
        raise _unloadable(path, beside, error, on_gpu=on_gpu) from None


def _unloadable(path: Path, beside: Path | None, error: Exception, *, on_gpu: bool) -> HeadraceError:
    files = path.name if beside is None else f"{path.name} with {beside.name}"
    message = f"llama.cpp cannot load {files}: {error}"
    if on_gpu:  # where memory may have been lacking
        return EngineFailure(message)
    advice = "the file is broken or not whole, of an architecture that it does not know, or its context too large"
    return InvalidRequest(f"{message} ({advice})", param="model_path")
