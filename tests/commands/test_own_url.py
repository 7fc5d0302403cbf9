"""The relay's own URL: from the options, or a guess."""

from ipaddress import ip_address
from pathlib import Path

import pytest

from tests.authority import issue, write_pair
from vaultrelay.certificates.server_certificate import ServerCertificate, load_certificate
from vaultrelay.commands.own_url import find_url, own_address
from vaultrelay.config.settings import Settings


def pair(folder: Path, *names: str) -> ServerCertificate:
    return load_certificate(*write_pair(folder, issue(list(names))))


def test_the_public_url_comes_first(tmp_path: Path) -> None:
    settings = Settings(
        public_urls=("relay.example.org", "wss://b.example"),
        pairs=((pair(tmp_path, "c.example"),),),
    )
    assert find_url(settings) == ("wss://relay.example.org", "the relay's --public-url")


@pytest.mark.parametrize(
    ("names", "port", "url"),
    [
        (["*.example", "Relay.example"], 443, "wss://relay.example"),
        (["relay.example"], 8443, "wss://relay.example:8443"),
        (["::1"], 8443, "wss://[::1]:8443"),
    ],
    ids=["wildcard", "port", "ipv6"],
)
def test_a_certificate_names_the_relay(
    tmp_path: Path, names: list[str], port: int, url: str
) -> None:
    settings = Settings(port=port, pairs=((pair(tmp_path, *names),),))
    assert find_url(settings) == (url, "a name from its certificate")


def test_else_it_is_a_guess_and_said_to_be_one() -> None:
    url, origin = find_url(Settings(bind="192.0.2.1"))
    assert url == "ws://192.0.2.1:8080"
    assert origin.startswith("a guess from the addresses")
    assert find_url(Settings(bind="2001:db8::1", port=80))[0] == "ws://[2001:db8::1]"


def test_a_certificate_for_a_pattern_is_still_tls(tmp_path: Path) -> None:
    settings = Settings(bind="192.0.2.1", port=443, pairs=((pair(tmp_path, "*.example"),),))
    assert find_url(settings)[0] == "wss://192.0.2.1"


@pytest.mark.parametrize("bind", ["0.0.0.0", "::"])
def test_an_address_of_this_machine_is_found(bind: str) -> None:
    assert not ip_address(own_address(bind)).is_unspecified


def test_without_any_network_it_is_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaultrelay.commands.own_url._UNASSIGNED", ())
    assert own_address("0.0.0.0") == "127.0.0.1"


@pytest.mark.parametrize(
    "settings", [Settings(port=0), Settings(listen=("tcp:80",))], ids=["port 0", "listen"]
)
def test_a_port_that_is_not_known_is_asked_for(
    settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        find_url(settings)
    assert stopped.value.code == 2
    assert "set the relay's URL with --public-url" in capfd.readouterr().err
