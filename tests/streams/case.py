"""Cases of the contract suite: coroutines that get a World and assert."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.streams.world import World

TLS = ("tls13", "tls12")
TCP = ("tcp", *TLS)
CLEAR = ("tcp", "unix")
KINDS = ("tcp", "unix", *TLS)

_LOST_WITH_POLL = (
    "a_stream_with_both_directions_ended_closes_when_asked",
    "what_comes_after_our_direction_ended_outlasts_a_pause",
)

Run = Callable[["World"], Awaitable[None]]


@dataclass(frozen=True)
class Case:
    """One promise of a transport.

    `differs` has, by kind, the reason why Twisted's own transport does not keep it: there it must
    fail, else the reason is out of date. `unmet` has, in the same way, what ours does not do yet.
    `is_ours` marks what Twisted does not have at all.
    """

    name: str
    run: Run
    kinds: tuple[str, ...]
    differs: dict[str, str] = field(default_factory=dict)
    unmet: dict[str, str] = field(default_factory=dict)
    is_ours: bool = False

    def exception(self, reactor: str, hub: str, kind: str) -> str:
        """Returns why the case is expected to fail there; empty if it is not."""
        if (reactor, hub) == ("poll", "ReactorHub") and self.name in _LOST_WITH_POLL:
            return "Twisted's poll reactor takes the end of both directions for a lost connection"
        return (self.differs if hub == "twisted" else self.unmet).get(kind, "")


ABORTED_AS_LOST = dict.fromkeys(TLS, "TLSMemoryBIOProtocol reports an abort as ConnectionLost")

CASES: list[Case] = []


def case(
    kinds: tuple[str, ...] = KINDS,
    differs: dict[str, str] | None = None,
    unmet: dict[str, str] | None = None,
    is_ours: bool = False,
) -> Callable[[Run], Run]:
    """Registers a coroutine as a case of these kinds."""

    def register(run: Run) -> Run:
        name = run.__name__
        CASES.append(Case(name, run, kinds, differs or {}, unmet or {}, is_ours))
        return run

    return register


def differs(kinds: tuple[str, ...], reason: str) -> dict[str, str]:
    """Returns the same reason for several kinds."""
    return dict.fromkeys(kinds, reason)


def load_cases() -> list[Case]:
    """Returns all cases. Imports Twisted's protocols, so a reactor has to be installed before."""
    if not CASES:
        from tests.streams import (  # noqa: F401
            cases_bytes,
            cases_calls,
            cases_ends,
            cases_errors,
            cases_half_close,
            cases_hub,
            cases_producers,
            cases_web,
        )
    return CASES
