"""Refused: every slug that the relay counts has its words, and there are no words for others."""

import re
from pathlib import Path

from vaultrelay import broker, transport
from vaultrelay.broker import broker as broker_module
from vaultrelay.policy import addresses
from vaultrelay.policy.refused import REFUSED
from vaultrelay.wire import refusal, request, upgrade
from vaultrelay.wire.close_codes import CloseCode

SOURCES = [
    *(path for package in (broker, transport) for path in Path(package.__path__[0]).glob("*.py")),
    *(Path(str(module.__file__)) for module in (addresses, refusal, request, upgrade)),
]
COUNTED = (
    r'_count\("(\w+)"\)',
    r'refused\["(\w+)"\]',
    r'OverBudget\("(\w+)"\)',
    r'"(tls_\w+)"',
    r'CloseCode\.\w+: "(address_\w+)"',
    r'Refusal\(\s*\d+,\s*"(\w+)"',
    r'counted="(\w+)"',
)
ANSWERED_ALONE = {"rate_limited"}
"""Counted as what the address had too much of."""


def test_the_words_are_those_of_the_slugs_in_the_source() -> None:
    source = "\n".join(path.read_text() for path in SOURCES)
    found = {slug for pattern in COUNTED for slug in re.findall(pattern, source)}
    objections = re.findall(r"return CloseCode\.(\w+)", Path(broker_module.__file__).read_text())
    found |= {CloseCode[name].slug for name in objections if name != "RATE"}
    assert set(REFUSED) == found - ANSWERED_ALONE


def test_no_words_end_a_sentence_or_begin_one() -> None:
    for words in REFUSED.values():
        assert words[0].islower()
        assert words[-1] != "."
