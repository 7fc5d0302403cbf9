"""The invite command: what it prints, where a token comes from, and its exit status."""

import io
from collections.abc import Callable

import pytest

from vaultrelay.commands import invite
from vaultrelay.commands.reachability import Unreachable
from vaultrelay.wire.relay_url import RelayUrl

URL = "wss://relay.example.org"
REACHED = "A relay answers there."


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[RelayUrl]:
    """The URLs that were tried; each is reached."""
    found: list[RelayUrl] = []

    def probe_url(url: RelayUrl) -> str:
        found.append(url)
        return REACHED

    monkeypatch.setattr(invite, "probe_url", probe_url)
    monkeypatch.setenv("RELAY_PUBLIC_URL", URL)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    return found


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def pipe(text: str) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO(text))

    return pipe


@pytest.mark.usefixtures("tried")
def test_a_program_finds_the_url_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert invite.main([]) == 0
    said = capsys.readouterr()
    url, *code = said.out.splitlines()
    assert url == URL
    assert len(code) > 15
    assert "\033" not in said.out
    assert said.err.splitlines() == [
        "Enter this URL in the VaultMesh app, or scan it. It is the relay's --public-url.",
        REACHED,
    ]


@pytest.mark.usefixtures("tried")
def test_on_a_terminal_the_code_has_its_colours(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert invite.main([]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out.count("\033[0m") == len(said.out.splitlines()) - 3
    monkeypatch.setenv("NO_COLOR", "1")
    invite.main([])
    assert "\033" not in capsys.readouterr().out


@pytest.mark.usefixtures("tried")
def test_a_terminal_that_is_too_narrow_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "30")
    invite.main([])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:] == [URL, "The terminal is too narrow for the QR code.", REACHED]


def test_a_token_is_read_and_never_sent(
    tried: list[RelayUrl], typed: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    typed("s3cr/t+\nmore\n")
    assert invite.main(["--with-token", "--no-qr"]) == 0
    said = capsys.readouterr()
    assert said.out == "wss://any:s3cr%2Ft%2B@relay.example.org\n"
    assert "s3cr" not in said.err
    (url,) = tried
    assert url.authorization is None


@pytest.mark.usefixtures("tried")
def test_at_a_terminal_a_token_is_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(invite, "getpass", lambda prompt: "s3cret")
    invite.main(["--with-token", "--no-qr"])
    assert capsys.readouterr().out == "wss://any:s3cret@relay.example.org\n"


@pytest.mark.usefixtures("tried")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the input has no token"),
        ("\n", "the input has no token"),
        ("ä\n", "the input has a character"),
        ("a\x1bb\n", "the input has a character"),
        ("anna:" + 64 * "0" + "\n", "the input has a colon"),
        ("TOKEN=s3cret\n", "the input contains more than a token"),
    ],
    ids=["end", "empty", "wide", "escape", "line", "assignment"],
)
def test_what_is_no_token_is_refused(
    typed: Callable[[str], None], text: str, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    typed(text)
    with pytest.raises(SystemExit) as stopped:
        invite.main(["--with-token"])
    assert stopped.value.code == 2
    assert capfd.readouterr().err.startswith(f"vault-relay: --with-token: {said}")


@pytest.mark.usefixtures("tried")
@pytest.mark.parametrize(
    "arguments",
    [
        ["--with-token", "s3cret"],
        ["--with-token=s3cret"],
        ["-s3cret"],
        ["--s3=s3cret"],
    ],
)
def test_a_token_on_the_command_line_is_refused_and_not_shown(
    arguments: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        invite.main(arguments)
    assert stopped.value.code == 2
    said = capfd.readouterr().err
    assert said.startswith("vault-relay: ")
    assert said.endswith("; see vault-relay invite --help\n")
    assert "s3cret" not in said


@pytest.mark.usefixtures("tried")
def test_who_is_not_reached_is_told_why_and_gets_the_url(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def probe_url(url: RelayUrl) -> str:
        raise Unreachable("it sleeps.\x1b")

    monkeypatch.setattr(invite, "probe_url", probe_url)
    assert invite.main(["--public-url", "ws://other.example", "--no-qr"]) == 1
    said = capsys.readouterr()
    assert said.out == "ws://other.example\n"
    assert said.err.endswith("This URL may not work: it sleeps.\\x1b\n")


@pytest.mark.usefixtures("tried")
def test_a_url_too_long_for_a_code_is_printed_all_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = f"{URL}/{'a' * 3000}"
    assert invite.main(["--public-url", url]) == 0
    said = capsys.readouterr()
    assert said.out == url + "\n"
    assert "The URL is too long for a QR code." in said.err


@pytest.mark.usefixtures("tried")
def test_a_token_that_is_no_text_is_told_in_a_sentence(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff\n"), "utf-8"))
    with pytest.raises(SystemExit) as ended:
        invite.main(["--with-token"])
    assert ended.value.code == 2
    assert "the input has no token" in capfd.readouterr().err
