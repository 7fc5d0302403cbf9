"""Refused: every slug that the relay counts has its words, and there are no words for others."""

import re
from pathlib import Path

from vaultrelay import broker, transport
from vaultrelay.policy.budgets import Budget, Excess
from vaultrelay.policy.network_limits import NetworkLimits
from vaultrelay.policy.refusal_reasons import REFUSED
from vaultrelay.wire import refusal, request, upgrade
from vaultrelay.wire.close_codes import CloseCode

SOURCES = [
    *(path for package in (broker, transport) for path in Path(package.__path__[0]).glob("*.py")),
    *(Path(str(module.__file__)) for module in (refusal, request, upgrade)),
]
COUNTED = (
    r'_count\("(\w+)"\)',
    r'refused\["(\w+)"\]',
    r'"(tls_\w+)"',
    r'Refusal\(\s*\d+,\s*"(\w+)"',
    r'counted="(\w+)"',
)
ANSWERED_ALONE = {"rate_limited"}
"""Counted as what the address had too much of."""


def test_the_words_are_those_of_the_slugs_in_the_source() -> None:
    source = "\n".join(path.read_text() for path in SOURCES)
    found = {slug for pattern in COUNTED for slug in re.findall(pattern, source)}
    joins = re.findall(r"JoinRefusal\(\s*CloseCode\.(\w+)(?:\)|,(?! counted))", source)
    found |= {CloseCode[name].slug for name in joins}
    for word in ("address", "network"):
        found |= {Budget(b"", NetworkLimits(word)).slug(excess) for excess in Excess}
    assert set(REFUSED) == found - ANSWERED_ALONE


def test_no_words_end_a_sentence_or_begin_one() -> None:
    for words in REFUSED.values():
        assert words[0].islower()
        assert words[-1] != "."
