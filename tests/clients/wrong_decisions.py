"""Faults of clients in what they decide after the end of a connection."""

from collections.abc import Callable
from functools import partial
from typing import Any

from tests.clients.faults import Fault, Patch
from vaultrelay.client import Closed, Refused, reconnecting
from vaultrelay.client.reconnecting import Reconnecting
from vaultrelay.client.refused import NO_ANSWER, NO_RELAY
from vaultrelay.wire.close_codes import CloseCode

_NEVER = 10**9
_KNOWN = {code.number for code in CloseCode}


def _constant(name: str, value: object) -> Fault:
    return lambda patch: patch.setattr(reconnecting, name, value)


def _method(name: str, wrong: Callable[..., Any]) -> Fault:
    """Replace a method by `wrong`, which gets the right one as its first argument."""

    def install(patch: Patch) -> None:
        right = getattr(Reconnecting, name)
        patch.setattr(Reconnecting, name, lambda self, *a: wrong(partial(right, self), self, *a))

    return install


def decides(concerns: Callable[[Exception], bool], *, is_final: bool) -> Fault:
    """Decide for some ends that they are final, or that they are not."""

    def ended(right: Any, self: Any, error: Exception, now: float) -> float | None:
        decided: float | None = right(error, now)
        if not concerns(error):
            return decided
        delay: float = self._back_off()
        return None if is_final else delay

    return _method("ended", ended)


def _decision(code: Callable[[int], bool], *, is_final: bool) -> Fault:
    """Decide for some close codes that they are final, or that they are not."""
    return decides(lambda error: isinstance(error, Closed) and code(error.code), is_final=is_final)


def _status(statuses: set[int], *, is_final: bool, only_pages: bool = False) -> Fault:
    """Decide for some statuses that they are final, or that they are not."""

    def ended(right: Any, self: Any, error: Exception, now: float) -> float | None:
        decided: float | None = right(error, now)
        is_meant = isinstance(error, Refused) and error.status in statuses
        if not is_meant or (only_pages and getattr(error, "error", "") != NO_RELAY):
            return decided
        delay: float = self._back_off()
        return None if is_final else delay

    return _method("ended", ended)


def _largest(patch: Patch) -> None:
    patch.setattr(Reconnecting.__init__, "__defaults__", (max,))


def _uncounted(right: Any, self: Any, text: str) -> float:
    delay: float = right(text)
    self._attempt -= text.isdigit()
    return delay


def _uncapped(patch: Patch) -> None:
    patch.setattr(reconnecting, "MAX_DELAY", _NEVER)
    patch.setattr(reconnecting, "_MAX_EXPONENT", 20)


def _date_is_final(right: Any, self: Any, text: str) -> float | None:
    return None if text and not text.isdigit() else right(text)


def _fraction(right: Any, self: Any, text: str) -> float:
    try:
        return 1.25 * float(text)
    except ValueError:
        delay: float = right(text)
        return delay


def _first_detail(patch: Patch) -> None:
    def retry_of(reason: str) -> str:
        detail = f"{reason};".split(";")[1]
        return detail.removeprefix("retry=") if detail.startswith("retry=") else ""

    patch.setattr(reconnecting, "_retry_of", retry_of)


def _window_stays(right: Any, self: Any, error: Exception, now: float) -> float | None:
    before = self._window
    decided: float | None = right(error, now)
    self._window = before
    return decided


def _window_for_4000_only(right: Any, self: Any, error: Exception, now: float) -> float | None:
    if not (isinstance(error, Closed) and error.code == 4000):
        self._window = None
    decided: float | None = right(error, now)
    return decided


def _silent_end_is_final(right: Any, self: Any, error: Exception, now: float) -> float | None:
    decided: float | None = right(error, now)
    return None if isinstance(error, Refused) and error.error == NO_ANSWER else decided


def _follow_redirect(right: Any, self: Any, error: Exception, now: float) -> float | None:
    decided: float | None = right(error, now)
    is_redirect = isinstance(error, Refused) and error.status // 100 == 3
    return 0.0 if is_redirect else decided


FAULTS: dict[str, Fault] = {
    "the delay does not grow": _method("_back_off", lambda _, self: self._between(1, 2)),
    "the delay has no random part": _largest,
    "the delay grows beyond a minute": _uncapped,
    "any session resets the delay": _constant("LASTING_SECONDS", 1),
    "no session resets the delay": _constant("LASTING_SECONDS", _NEVER),
    "an attempt after a given time does not count": _method("_given", _uncounted),
    "a connection without an answer is final": _method("ended", _silent_end_is_final),
    "an unknown code is final": _decision(
        lambda code: 4000 <= code < 4500 and code not in _KNOWN, is_final=True
    ),
    "an unknown final code is not final": _decision(
        lambda code: 4500 <= code < 5000 and code not in _KNOWN, is_final=False
    ),
    "no code is final": _decision(
        lambda code: code in (1002, 1003, 1007, 1008, 1009, 1010) or code >= 4500, is_final=False
    ),
    "1000 is final": _decision(lambda code: code == 1000, is_final=True),
    "a lost connection is final": _decision(lambda code: code == 1006, is_final=True),
    "4509 has the usual delay": _decision(lambda code: code == 4509, is_final=False),
    "4509 is retried for ever": _constant("REPLACED_SECONDS", 0),
    "4509 is remembered for five minutes": _constant("REPLACED_SECONDS", 300),
    "4509 is final": _decision(lambda code: code == 4509, is_final=True),
    "4509 is remembered for ever": _constant("REPLACED_SECONDS", _NEVER),
    "Retry-After is ignored": _constant("_retry_after", lambda answer: ""),
    "retry= is ignored": _constant("_retry_of", lambda reason: ""),
    "retry= counts as the first detail only": _first_detail,
    "a given time has no random part": _method(
        "_given", lambda right, _, text: float(text) if text.isdigit() else right(text)
    ),
    "a given time has no maximum": _constant("MAX_GIVEN_SECONDS", _NEVER),
    "a given time may be a fraction": _method("_given", _fraction),
    "a given time that is a date is final": _method("_given", _date_is_final),
    "reconnect is ignored": _method("draining", lambda right, self, window: None),
    "reconnect holds for later sessions": _method("ended", _window_stays),
    "reconnect needs a close": _method("ended", _window_for_4000_only),
    "401 is not final": _status({401}, is_final=False),
    "408 is final": _status({408}, is_final=True),
    "503 is final": _status({503}, is_final=True),
    "500 is final": _status({500}, is_final=True),
    "a page with 429 is final": _status({429}, is_final=True, only_pages=True),
    "a page with 502 is final": _status({502, 504}, is_final=True, only_pages=True),
    "a refusal is not final": _status({400, 403, 404, 405, 426, 431}, is_final=False),
    "a redirect is followed": _method("ended", _follow_redirect),
    "a page is not final": _status({200, 302, 307, 403, 404}, is_final=False, only_pages=True),
}
