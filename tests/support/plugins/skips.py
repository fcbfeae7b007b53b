"""In CI a test that is skipped must be on this list, or the run fails: a skip hides what it does not test.

A plugin of pytest, that ``tests/conftest.py`` loads. Where ``CI`` is not set, it does nothing.
"""

import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

import pytest


@dataclass(frozen=True, slots=True)
class Skip:
    """A test that was skipped, or may be: its id without parameters, and the reason that it gives, a glob on the list.

    ``why`` says on the list why CI may go without it.
    """

    test: str
    reason: str
    why: str = ""

    def covers(self, other: "Skip") -> bool:
        """Whether this entry of the list allows that one."""
        return self.test == other.test and fnmatchcase(other.reason, self.reason)


USUAL_MARKS = "not families"
"""What pyproject.toml chooses by marks where nobody else does."""

IN_BROWSERS = (
    "test_a_page_of_this_machine_talks_by_the_openai_package",
    "test_a_page_with_a_key_talks_where_its_origin_is_allowed",
    "test_a_strangers_page_changes_nothing",
    "test_a_page_of_this_machine_changes_what_it_wants",
    "test_a_strangers_name_for_this_machine_shows_nothing",
    "test_the_documentation_shows_itself_without_internet",
)

ALLOWED = (
    Skip(
        "tests/families/drawn/test_edits.py::test_a_processor_that_needs_torchvision_is_refused_without_it",
        "torchvision is installed",
        "tests/families/test_without_torchvision.py runs it in a process without",
    ),
    Skip(
        "tests/engines/sentence_transformers/test_rerank.py::test_a_large_cross_encoder_knows_what_is_relevant",
        "HEADRACE_TEST_WEIGHTS names no folder with minilm-reranker*",
        "90 MB of weights that no package brings; small ones of the same kind are in the repository and are tested",
    ),
    Skip(
        "tests/clients/test_agents.py::test_codex_runs_a_command",
        "Codex is not installed: make clients",
        "424 MB; what it sends is tested from bodies that were recorded",
    ),
    Skip(
        "tests/clients/test_agents.py::test_claude_code_runs_a_command",
        "Claude Code is not installed: make clients",
        "384 MB; what it sends is tested from bodies that were recorded",
    ),
    Skip(
        "tests/deploy/test_resolve.py::test_all_packages_are_there",
        "PyTorch's own index cannot be reached",
        "CI may see the package index alone: what comes from there is resolved, and `make resolve` resolves the rest",
    ),
    Skip(
        "tests/deploy/test_resolve.py::test_llama_cpp_is_there_for_gpus",
        "the index of llama.cpp's author cannot be reached",
        "CI may see the package index alone: `make resolve` looks for these builds where theirs can be reached",
    ),
    *(
        Skip(
            f"tests/e2e/web/test_browsers.py::{name}",
            "no Chromium is installed",
            "a browser is a package of the system's, which CI installs where it may; tests/api/edge does without",
        )
        for name in IN_BROWSERS
    ),
)


def unlisted(skipped: Iterable[Skip], allowed: Collection[Skip]) -> list[Skip]:
    """Those that nothing on the list covers."""
    return [one for one in skipped if not any(entry.covers(one) for entry in allowed)]


def stale(skipped: Collection[Skip], allowed: Iterable[Skip]) -> list[Skip]:
    """The entries of the list that cover none of these."""
    return [entry for entry in allowed if not any(entry.covers(one) for one in skipped)]


class Skips:
    """What was skipped in this run, by all of its processes. ``allowed`` is the list."""

    def __init__(self, allowed: Collection[Skip] = ALLOWED) -> None:
        self._allowed = allowed
        self._skipped: set[Skip] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Also called where xdist controls, for what its processes report."""
        self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Whole files skip themselves while they are collected."""
        self._note(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail the run."""
        if unlisted(self._skipped, self._allowed) and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
        """Say why it failed; after a run of everything also what is listed in vain."""
        for one in sorted(unlisted(self._skipped, self._allowed), key=str):
            terminalreporter.write_line(
                f"SKIPPED, and not listed in tests/support/plugins/skips.py: {one.test}: {one.reason}", red=True
            )
        if _is_whole(config):
            for entry in stale(self._skipped, self._allowed):
                terminalreporter.write_line(
                    f"Listed in tests/support/plugins/skips.py, and not skipped: {entry.test}", yellow=True
                )

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.skipped and isinstance(report.longrepr, tuple):
            reason = report.longrepr[2].removeprefix("Skipped: ")
            self._skipped.add(Skip(report.nodeid.partition("[")[0], reason))


def pytest_configure(config: pytest.Config) -> None:
    """Watch, where this is CI and the process that controls the others."""
    if os.environ.get("CI") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Skips())


def _is_whole(config: pytest.Config) -> bool:
    """Whether all tests were run, and not some that were asked for."""
    chosen = config.option.keyword or config.option.markexpr not in ("", USUAL_MARKS)
    return config.args_source is not pytest.Config.ArgsSource.ARGS and not chosen
