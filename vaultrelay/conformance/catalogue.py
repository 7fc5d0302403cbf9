"""The catalogue: all cases, from the files in `cases`."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from vaultrelay.conformance.case import FEATURES, PLATFORMS, Case, Level, Step
from vaultrelay.conformance.mail_vectors import mail_cases
from vaultrelay.conformance.script import VERBS, needs_of
from vaultrelay.conformance.vector_cases import vector_cases

_VECTORS = "vectors.json"


@cache
def catalogue() -> tuple[Case, ...]:
    """Return all cases, in the order in which they are played."""
    folder = files("vaultrelay.conformance") / "cases"
    found: list[Case] = []
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        if file.name.endswith(".toml"):
            found += _read_file(file.read_text("utf-8"))
    vectors = json.loads((folder / _VECTORS).read_text("utf-8"))
    found += map(_read_case, [*vector_cases(vectors), *mail_cases(vectors["mailbox"])])
    return tuple(found)


def _read_file(text: str) -> Iterator[Case]:
    """Yield the cases of a file. `section`, `level`, `platforms` at its top hold for all."""
    content = tomllib.loads(text)
    cases = content.pop("case")
    for each in cases:
        yield _read_case({**content, **each})


def _read_case(fields: Mapping[str, Any]) -> Case:
    """Return one case. Raises ValueError if a verb, platform or feature is unknown."""
    steps = tuple(_read_step(each) for each in fields["steps"])
    needs = frozenset(fields.get("needs", ())).union(*(needs_of(step) for step in steps))
    platforms = tuple(fields.get("platforms", PLATFORMS))
    if not (needs <= set(FEATURES) and set(platforms) <= set(PLATFORMS)):
        raise ValueError(f"{fields['name']}: unknown among {sorted(needs)} and {platforms}")
    return Case(
        name=fields["name"],
        level=Level(fields["level"]),
        section=fields["section"],
        about=fields["about"],
        steps=steps,
        needs=needs,
        platforms=platforms,
    )


def _read_step(fields: Mapping[str, Any]) -> Step:
    """Return a step, which is a table with one verb."""
    ((verb, arguments),) = fields.items()
    if verb not in VERBS:
        raise ValueError(f"there is no step {verb}")
    return Step(verb, arguments)
