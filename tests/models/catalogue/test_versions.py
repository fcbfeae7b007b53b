"""A newer catalogue: taken once it was checked whole, used at once, and given up again."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from models.catalogue import entries, versions
from models.catalogue.entries import Family, Place, Weights, families
from models.catalogue.names import named
from models.catalogue.versions import changes, go_back, in_use, update
from models.engines import MODEL_TYPES
from models.errors import InvalidRequest, ModelNotFound, Unavailable
from tests.models.catalogue.https_site import served

SHIPPED = len(families())


def family(name: str, model_type: str = "LLM", **more: object) -> Family:
    written = "diffusers" if model_type in ("image", "video") else "pytorch"
    one = {"name": name, "type": model_type, "specs": [{"format": written, "hf": {"repo": "a/b"}}]} | more
    return msgspec.convert(one, Family)


def lines(*more: Family, name: str = "new") -> bytes:
    every = [*(family(f"{name}-{one}", one) for one in MODEL_TYPES), *more]
    return b"\n".join(map(msgspec.json.encode, every))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEADRACE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def taken(home: Path, data: bytes) -> Path:
    file = home.with_name("given.jsonl")
    file.write_bytes(data)
    update(home, str(file))
    return file


def test_a_newer_catalogue_is_used_at_once_and_given_up_again(home: Path) -> None:
    assert (in_use(home).path, in_use(home).former) == (None, False)
    taken(home, lines(family("first", aliases=["one"])))
    assert named("one").family.name == "first"
    with pytest.raises(ModelNotFound):
        named("qwen3")
    taken(home, lines(name="newest"))
    assert named("newest-image").family.type == "image"
    assert [one.name for one in families("audio")] == ["newest-audio"]

    go_back(home)
    assert named("first").family.name == "first"
    go_back(home)
    assert in_use(home).count == 6, "the one after it again"


def test_before_the_first_newer_one_there_is_the_shipped(home: Path) -> None:
    with pytest.raises(InvalidRequest, match="there is no other"):
        go_back(home)
    taken(home, lines())
    assert (in_use(home).count, in_use(home).former) == (6, True)
    assert go_back(home).count == SHIPPED
    assert named("qwen3").family.name == "qwen3"
    assert go_back(home).count == 6


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no models of type LLM"),
        (lines() + b'\n{"name": "a"', "line 7 is no entry"),
        (lines() + b"\n\xff", "line 7 is no entry"),
        (lines() + b'\n{"name": "a", "type": "LLM", "specs": [], "x": 1}', "unknown field `x`"),
        (lines(family("a", specs=[])), "line 7, 'a': it has no weights"),
        (lines(family("new-LLM")), "'new-LLM' is there twice"),
        (lines(family("a", aliases=["z"]), family("b", aliases=["z"])), "'z' is there twice"),
        (lines(family("smollm2")), "comes with Headrace"),
        (lines(family("a", specs=[{"format": "pytorch", "uri": "/etc"}])), "have no uri"),
        (lines(family("a", options={"vllm": {"worker_cls": "x.Y"}})), "may bring code"),
        (lines(family("a", specs=[{"format": "pytorch", "hf": {"repo": "{a}/b"}}])), "braces"),
        (
            lines(family("a", specs=[{"format": "f", "hf": {"repo": "a/b"}}] * 2)),
            "quantisation 'none' in the format f is there twice",
        ),
        (b"\n".join(lines().splitlines()[:-1]), "no models of type rerank"),
    ],
)
def test_of_a_catalogue_that_is_not_whole_nothing_is_taken(home: Path, data: bytes, said: str) -> None:
    taken(home, lines(name="before"))
    with pytest.raises(InvalidRequest, match=said):
        taken(home, data)
    assert named("before-LLM").family.name == "before-LLM"
    assert not (home / "catalogue" / "fresh.jsonl").exists()


def test_one_that_breaks_later_gives_way_to_the_shipped(home: Path) -> None:
    taken(home, lines())
    (home / "catalogue" / "current.jsonl").write_bytes(b"{")
    assert len(families()) == SHIPPED


def test_what_is_too_large_or_not_there_is_not_taken(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError):
        update(home, str(home / "nothing"))
    monkeypatch.setattr("models.catalogue.versions.MOST_BYTES", 1 << 20)
    with pytest.raises(InvalidRequest, match="larger than 1 MiB"):
        taken(home, b"x" * (1 << 20) + b"x")
    assert in_use(home).path is None


def test_addresses_other_than_https_are_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for url in ("http://127.0.0.1:9/a", "file:///etc/passwd", "ftp://a/b"):
        with pytest.raises(InvalidRequest, match="https alone"):
            update(home, url)
    with pytest.raises(Unavailable, match="cannot be fetched"):
        update(home, "https://127.0.0.1:9/a")
    monkeypatch.setenv("HEADRACE_OFFLINE", "true")
    with pytest.raises(InvalidRequest, match="HEADRACE_OFFLINE"):
        update(home, "https://127.0.0.1:9/a")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An https server whose certificate is trusted here. It serves ``tmp_path/site``."""
    with served(tmp_path) as (url, certificate):
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        yield url


def test_one_is_fetched_by_https_and_no_redirect_leads_out_of_it(home: Path, site: str, tmp_path: Path) -> None:
    (tmp_path / "site" / "new.jsonl").write_bytes(lines())
    assert update(home, f"{site}/moved").count == 6
    with pytest.raises(InvalidRequest, match="https alone"):
        update(home, f"{site}/down")
    with pytest.raises(Unavailable, match="404"):
        update(home, f"{site}/missing")
    assert in_use(home).count == 6


def test_what_is_shipped_would_be_taken_as_it_is(home: Path) -> None:
    data = (Path(entries.__file__).parent / "families").glob("*.jsonl")
    taken(home, b"".join(one.read_bytes() for one in sorted(data)))
    assert (in_use(home).count, in_use(home).path is not None) == (SHIPPED, True)


def test_weights_say_on_which_hub_they_are() -> None:
    weights = Weights("pytorch", modelscope=Place("a/b", quantizations=("x",)), quantizations=("x", "y"))
    assert [weights.on(hub) for hub in (None, "modelscope", "huggingface")] == [True, True, False]
    assert [weights.has(one, "modelscope") for one in ("x", "y")] == [True, False]


@pytest.mark.parametrize("name", ["", "a\0b", "\x1b[2J", "a/b"])
def test_names_are_taken_that_a_registration_may_have(home: Path, name: str) -> None:
    for wrong in (family(name), family("fine", aliases=[name])):
        with pytest.raises(InvalidRequest, match="cannot be a model's name") as caught:
            taken(home, lines(wrong))
        assert caught.value.message.isprintable()
    assert in_use(home).path is None


def test_a_line_that_is_nested_too_deeply_is_no_entry(home: Path) -> None:
    deep = b'{"name": "m", "options": {"vllm": {"a": ' + b"[" * 50_000
    with pytest.raises(InvalidRequest, match="line 7 is no entry"):
        taken(home, lines() + b"\n" + deep)


def test_what_comes_too_slowly_is_not_taken(
    home: Path, site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "site" / "new.jsonl").write_bytes(lines())
    monkeypatch.setattr(versions, "FETCH_S", -1.0)
    with pytest.raises(Unavailable, match="did not come whole"):
        update(home, f"{site}/new.jsonl")
    assert in_use(home).path is None


def test_where_it_came_from_is_remembered_without_secrets(home: Path, site: str, tmp_path: Path) -> None:
    (tmp_path / "site" / "new.jsonl").write_bytes(lines())
    assert in_use(home).place == ""
    host = site.removeprefix("https://")
    assert update(home, f"https://me:secret@{host}/new.jsonl?token=secret").place == f"{site}/new.jsonl"
    file = taken(home, lines())
    assert in_use(home).place == str(file)


def test_a_folder_is_taken_with_all_its_files(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "several"
    folder.mkdir()
    for number, line in enumerate(lines().splitlines()):
        (folder / f"{number}.jsonl").write_bytes(line)
    (folder / "README").write_text("no entry")
    assert update(home, str(folder)).count == 6


def test_changes_are_told_by_name_and_type() -> None:
    before = [family("same"), family("other"), family("gone"), family("two", "image")]
    after = [family("same"), family("other", context=7), family("two"), family("added")]
    found = changes(before, after)
    assert (found.added, found.removed, found.changed) == (("added", "two"), ("gone", "two"), ("other",))
