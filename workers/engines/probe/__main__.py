"""The process that asks: see the package."""

import json
import os
import sys
from typing import Any

from models.engines import FACTS, EngineFacts
from models.launching import libraries, nvml
from workers.engines.probe import advice
from workers.engines.probe.advice import Driver
from workers.engines.probe.questions import QUESTIONS, Site, Unusable


def main() -> None:
    """Ask for each engine that is named, or for all."""
    device, *engines = sys.argv[1:]
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)  # what libraries print is no answer
        driver = _driver() if device.startswith("cuda") else Driver()
        for engine in engines or FACTS:
            print(json.dumps({engine: answer(FACTS[engine], device, driver)}), file=answers, flush=True)


def answer(facts: EngineFacts, device: str, driver: Driver) -> dict[str, Any]:
    """Whether the engine works on the device, as a line of the output has it."""
    kind = device.partition(":")[0]
    versions = libraries.look(facts.libraries)["versions"]
    reason = libraries.known(facts, kind, versions, sys.executable)
    if reason is None:
        reason = _ask(facts.name, Site(device, kind, driver, versions))
    if driver.version:
        versions = {**versions, "driver": driver.version, "cuda": driver.cuda}
    return {"works": not reason, "reason": reason, "versions": versions}


def _ask(engine: str, site: Site) -> str:
    """The reason why the engine does not work; empty where it does."""
    try:
        QUESTIONS[engine](site)
    except Unusable as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  # a library may raise anything, and the others must be asked
        return f"its library cannot be used on {site.device}: {type(error).__name__}: {advice.first_line(error)}"
    return ""


def _driver() -> Driver:
    found = nvml.find()
    return Driver(found.driver, found.cuda, "; ".join(found.faults))


if __name__ == "__main__":
    main()
