"""The man page is made from what --help says, and is up to date."""

from types import ModuleType

import pytest

from tests.documents.make_man import load_make_man
from vaultrelay.commands import COMMANDS
from vaultrelay.config.settings import OPTIONS


@pytest.fixture(scope="module")
def make_man() -> ModuleType:
    return load_make_man()


def test_the_committed_page_is_the_one_that_is_made(make_man: ModuleType) -> None:
    assert make_man.TARGET.read_text() == make_man.page(), "run make man"


def test_it_has_every_option_and_every_command(make_man: ModuleType) -> None:
    text = make_man.page().replace("\\-", "-")
    assert all(f"\n.B {option.flag}\n" in text for option in OPTIONS)
    assert all(f"\n.SS {name}\n" in text for name in COMMANDS)
    for title in ("EXIT STATUS", "SIGNALS", "FILES", "ENVIRONMENT", "EXAMPLES"):
        assert f"\n.SH {title}\n" in text


def test_nothing_in_it_is_taken_for_a_request_of_roff(make_man: ModuleType) -> None:
    assert make_man.escaped(".TH 'a' \\n --b") == "\\&.TH \\(aqa\\(aq \\en \\-\\-b"
