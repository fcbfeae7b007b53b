"""What the build of the web interface depends on."""

from pathlib import Path

from deploy import ui


def test_what_is_not_built_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.tsx").write_text("1")
    before = ui.digest(tmp_path)
    for name in ("openapi.json", "README.md", "src/schema.d.ts", "src/main.test.ts", "dist/x.js", "node_modules/x.js"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("2")
    assert ui.digest(tmp_path) == before
    (tmp_path / "src" / "main.tsx").write_text("3")
    changed = ui.digest(tmp_path)
    assert changed != before
    (tmp_path / "src" / "main.tsx").rename(tmp_path / "src" / "other.tsx")
    assert ui.digest(tmp_path) not in (before, changed)
