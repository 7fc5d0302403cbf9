"""Answers in place of a WebSocket: a sentence for each."""

import pytest

from vaultrelay.commands.checkup.answers import explain_answer
from vaultrelay.wire.answer import Answer
from vaultrelay.wire.relay_url import RelayUrl


def explained(status: int, url: str = "ws://a.example/v3", **headers: str) -> str:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return explain_answer(Answer(status, named), RelayUrl.read(url))


@pytest.mark.parametrize(
    ("status", "location", "said"),
    [
        (301, "https://a.example/v3", "redirects to https, and devices do not follow redirects. "),
        (301, "https://a.example/v3", "Use a wss:// URL, such as wss://a.example/v3."),
        (308, "https://a.example/?token=s3cret", "such as wss://a.example/."),
        (302, "/login?s3cret", "redirects to http://a.example:80/login, and devices do not"),
        (307, "http://b.example/\x1b", "redirects to http://b.example/\\x1b, and"),
        (308, "https://[\x1b", "redirects to an invalid URL. Is the URL that of a relay?"),
        (302, "", "302 Found instead of the relay. Is the URL that of a relay"),
    ],
)
def test_a_redirect_is_told_with_where_it_leads(status: int, location: str, said: str) -> None:
    text = explained(status, location=location)
    assert said in text
    assert "s3cret" not in text


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (200, "answers 200 OK with a web page instead of the relay. The upgrade was lost"),
        (
            400,
            "400 Bad Request with a web page instead of the relay. Configure the proxy to forward",
        ),
        (403, "403 Forbidden with a web page instead of the relay. A server in front"),
        (404, "404 Not Found with a web page instead of the relay. No relay has this"),
        (426, "426 Upgrade Required with a web page instead of the relay. Configure the"),
        (464, "464 with a web page instead of the relay. The load balancer speaks HTTP/2"),
        (502, "502 Bad Gateway with a web page instead of the relay. The proxy does not reach"),
        (505, "instead of the relay. WebSockets need HTTP/1.1"),
        (522, "522 with a web page instead of the relay. Cloudflare does not reach"),
        (418, "418 I'm a Teapot with a web page instead of the relay. Is the URL that of a relay"),
    ],
)
def test_each_status_has_its_cure(status: int, said: str) -> None:
    text = explained(status, content_type="text/html; charset=utf-8")
    assert said in text
    assert text.startswith("A server in front of the relay answers ")


def test_who_answers_is_named_and_what_it_says_is_made_harmless() -> None:
    assert explained(404, server="nginx/1.22").startswith("nginx/1.22 answers 404 Not Found inst")
    assert explained(404, server="\x1b[31m" + 99 * "x").startswith("\\x1b[31mxxx")


@pytest.mark.parametrize("status", [403, 429, 503])
@pytest.mark.parametrize("header", ["server", "cf_ray"])
def test_a_challenge_for_browsers_is_known(status: int, header: str) -> None:
    text = explained(status, content_type="text/html", **{header: "cloudflare"})
    assert "Cloudflare requires a browser" in text


def test_a_password_that_is_not_the_relays() -> None:
    assert explained(401).endswith(
        "Give its token or password: wss://any:TOKEN@host, or --token-file."
    )
    text = explained(401, "ws://any:s3cret@a.example")
    assert text.endswith("It does not accept the user and password of the URL.")
    assert "s3cret" not in text
