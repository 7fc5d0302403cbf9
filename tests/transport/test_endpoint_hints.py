"""Hints on endpoint strings: what is written as in other programs, and in words for people."""

import re
from pathlib import Path

import pytest

from tests.transport.endpoint_strings import refusal_of, take

WRITTEN_ELSEWHERE = {
    "8080": "tcp:8080",
    ":8080": "tcp:8080",
    "0.0.0.0:8080": "tcp:8080",
    "*:8080": "tcp:8080",
    "[::]:8080": "tcp6:8080",
    "127.0.0.1:8080": "tcp:8080:interface=127.0.0.1",
    "[::1]:8080": r"tcp6:8080:interface=\:\:1",
    "localhost:8080": "tcp:8080:interface=127.0.0.1",
    "tcp://localhost:8080/": "tcp:8080:interface=127.0.0.1",
    "http://10.0.0.7:8080/": "tcp:8080:interface=10.0.0.7",
    "ws://[2001:db8::7]:80": r"tcp6:80:interface=2001\:db8\:\:7",
    "tcp://0.0.0.0:8080": "tcp:8080",
    "tcp:127.0.0.1:8080": "tcp:8080:interface=127.0.0.1",
    "tcp:[::1]:8080": r"tcp6:8080:interface=\:\:1",
    "tcp6:[::1]:8080": r"tcp6:8080:interface=\:\:1",
    "/run/relay.sock": "unix:/run/relay.sock",
    "haproxy:8080": "haproxy:tcp:8080",
    "haproxy:127.0.0.1:8080": "haproxy:tcp:8080:interface=127.0.0.1",
    "haproxy:tcp:[::1]:8080": r"haproxy:tcp6:8080:interface=\:\:1",
    "haproxy:/run/relay.sock": "haproxy:unix:/run/relay.sock",
}
"""Where to listen as other programs write it, and as an endpoint string."""


@pytest.mark.parametrize("text", WRITTEN_ELSEWHERE)
def test_what_is_written_as_elsewhere_is_told_as_it_is_here(text: str) -> None:
    instead = WRITTEN_ELSEWHERE[text]
    assert refusal_of(text).endswith(f"; write {instead}")
    assert take(instead).where


@pytest.mark.parametrize("text", ["tpc:8080", "nas.lan:8080", "", "on", "run/relay.sock"])
def test_what_could_be_anything_gets_an_example(text: str) -> None:
    assert refusal_of(text).endswith("; write it like tcp:8080 or unix:/run/relay.sock")


@pytest.mark.parametrize(
    ("text", "example"),
    [
        ("tcp6:8080:interface=::1", r"interface=\:\:1"),
        ("tcp6:8080:interface=::", r"interface=\:\:"),
        ("tcp:8080:interface=[::1]", r"interface=\:\:1"),
        ("tcp6:8080:interface=2001:db8::7:backlog=50", r"interface=2001\:db8\:\:7"),
        ("haproxy:tcp6:8080:interface=fe80::1%eth0", r"interface=fe80\:\:1%eth0"),
        ("tcp6:::1:8080", r"interface=\:\:1"),
        ("ssl:443:/a/key:/a/cert:interface=::1", r"interface=\:\:1"),
        (r"ssl:443:privateKey=C:\key.pem", r"privateKey=C\:\\key.pem"),
        ("tls:/run/tls:port=443:interface=::1", r"interface=\:\:1"),
        ("tls:/run/tls:interface=fe80::1", r"interface=fe80\:\:1"),
        ("haproxy:tls:/run/tls:interface=::", r"interface=\:\:"),
        ("tcp6:interface=::1:port=443", r"interface=\:\:1"),
        ("ssl:443:privateKey=key.pem:certKey=cert.pem:interface=::1", r"interface=\:\:1"),
        ("ssl:443:interface=2001:db8::7:privateKey=key.pem", r"interface=2001\:db8\:\:7"),
        ("unix:/run/a:b", r"/run/a\:b"),
        ("unix:/run/a:b:mode=660", r"/run/a\:b"),
    ],
)
def test_a_colon_in_a_value_is_told_to_take_a_backslash(text: str, example: str) -> None:
    said = refusal_of(text)
    assert said.endswith(f": a colon within a value needs a backslash before it, such as {example}")


@pytest.mark.parametrize(
    "text", ["tcp:80:port=90", r"tcp6:80:port=90:interface=\:\:1", "tcp:80:interface=0:port=90"]
)
def test_of_a_part_that_is_there_twice_no_colon_is_to_blame(text: str) -> None:
    assert refusal_of(text) == "has port twice"


@pytest.mark.parametrize("name", ["[", "(", "*", "a{9", "\\g", "i.terface"])
def test_a_part_of_any_name_is_told_what_is_taken(name: str) -> None:
    taken = "it accepts backlog, interface, port"
    said = refusal_of(f"tcp:80:{name}=1:interface=1")
    assert said == f"has a part that tcp: does not accept; {taken}"


def test_a_kind_alone_is_told_what_it_needs() -> None:
    said = {kind: refusal_of(kind) for kind in ("tcp", "ssl", "tls", "unix", "systemd")}
    assert said == {
        "tcp": "needs a port from 0 to 65535",
        "ssl": "needs a port from 0 to 65535",
        "tls": "has no folder of certificates; write it like tls:/etc/relay/certificates",
        "unix": "has no path; write it like unix:/run/relay.sock",
        "systemd": "needs either index= or name=, but not both",
    }


JARGON = re.compile(
    r"\(\)|positional|keyword|literal|codec|out of range|raised|attribute|unpack|embedded|parser"
)
"""Words of Python's, which tell an operator nothing."""


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "8080",
        "a=b",
        "carrier-pigeon:80",
        "tcp",
        "tcp:80\\",
        "tcp:80:colour=red",
        "tcp:80:backlog=many",
        "tcp:80:port=90",
        "tcp:80:couleur=é",
        "tcp:80:é=b",
        "unix",
        "unix:",
        "unix:mode=660",
        "unix:/run/x:mode=rw-",
        "unix:/run/x:mode=888",
        "unix:/run/x:mode=",
        "unix:/run/x:lockfile=2",
        "unix:/run/x:backlog=many",
        "unix:/run/x:660:50:1:more",
        "unix:/run/x\\",
        "systemd",
        "systemd:domain=INET",
        "systemd:domain=INET:index=0",
        "systemd:domain=INET:index=first",
        "systemd:domain=INET:name=relay",
        "haproxy",
        "haproxy:carrier-pigeon:80",
        "haproxy:tcp:80\\",
        "autobahn:tcp",
        "haproxy:stdio:",
        "haproxy:haproxy:tcp:80",
        "tls",
    ],
)
def test_a_bad_string_is_refused_in_words_that_a_person_understands(
    folder: Path, text: str
) -> None:
    said = refusal_of(text)
    assert not JARGON.search(said), said
    assert re.search(r"\w{3,} \w{2,}", said.partition("is not a server endpoint: ")[2] or said)
    assert "\n" not in said
