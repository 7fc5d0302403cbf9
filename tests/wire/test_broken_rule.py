"""The rules that a close names: slugs on the protocol page that fit into a close reason."""

import re
from pathlib import Path

import pytest

from vaultrelay.wire.broken_rule import FieldRule, Rule
from vaultrelay.wire.close_codes import REASON_BYTES, CloseCode

PAGE = (Path(__file__).parents[2] / "docs" / "protocol.rst").read_text()
CHAPTER = PAGE.partition("\nRules\n-----\n")[2].partition("\nReconnecting\n")[0]


def test_the_page_lists_every_rule() -> None:
    rows = re.findall(r"\* - (4\d{3})\n     - (.+)\n", CHAPTER)
    listed = [slug for _, slugs in rows for slug in re.findall(r"``(\w+)``", slugs)]
    assert sorted(listed) == sorted(rule.slug for rule in Rule)


def test_the_page_lists_what_can_be_wrong_with_a_field() -> None:
    assert all(f"``_{rule.value}``" in CHAPTER for rule in FieldRule)


@pytest.mark.parametrize("slug", ["keepalive_before_welcome", "ping_seconds_base64url"])
def test_the_longest_slugs_fit_into_a_close_reason(slug: str) -> None:
    for code in CloseCode:
        reason = code.reason(rule=slug)
        assert reason.endswith(f";rule={slug}")
        assert len(reason) <= REASON_BYTES


def test_slugs_are_words_and_sentences_are_none() -> None:
    for rule in Rule:
        assert re.fullmatch(r"[a-z_]+", rule.slug)
        assert re.fullmatch(r"[a-z].*[^.]", rule.sentence)
