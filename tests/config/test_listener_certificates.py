"""Certificates of the relay: of two options, or of endpoint strings, each with its key."""

from pathlib import Path

import pytest

from tests.authority import issue, write_pair
from tests.config.options import ORIGINS, named, read, read_at, refusal_at
from vaultrelay.config.raw_option import BadOption
from vaultrelay.config.settings_reader import SettingsReader

pytestmark = pytest.mark.usefixtures("folder")


@pytest.mark.parametrize("origin", ORIGINS)
def test_a_certificate_is_read_with_its_key(folder: Path, origin: str) -> None:
    certificate, key = write_pair(folder, issue(["a.example"]))
    settings = read_at(origin, ("tls-cert", str(certificate)), ("tls-key", str(key)))
    assert settings.pairs == ((settings.certificates[0],),)
    assert settings.certificates[0].files == (certificate, key)
    assert settings.own_hosts == {"a.example"}


def test_certificate_and_key_may_come_from_different_places(folder: Path) -> None:
    certificate, key = write_pair(folder, issue())
    assert read(f"--tls-cert={certificate}", RELAY_TLS_KEY=str(key)).certificates


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize(("present", "missing"), [("tls-cert", "tls-key"), ("tls-key", "tls-cert")])
def test_a_certificate_needs_its_key_and_the_other_way_round(
    origin: str, present: str, missing: str
) -> None:
    assert refusal_at(origin, (present, "x.pem")) == (
        f"{named(origin, present)}: 'x.pem' requires {named(origin, missing)}: "
        "TLS needs a certificate and its key"
    )


@pytest.mark.parametrize("origin", ORIGINS)
def test_a_bad_certificate_or_key_is_named_by_its_own_option(folder: Path, origin: str) -> None:
    write_pair(folder, issue())
    (folder / "other.pem").write_bytes(issue().key_pem)
    (folder / "garbage.pem").write_text("garbage")
    (folder / "locked.pem").write_bytes(issue().encrypted_key_pem(b"secret"))

    def said(certificate: str, key: str) -> str:
        return refusal_at(origin, ("tls-cert", certificate), ("tls-key", key))

    cert, key = named(origin, "tls-cert"), named(origin, "tls-key")
    missing = "cannot be read: no such file or directory"
    assert said("x.pem", "privkey.pem") == f"{cert}: 'x.pem' {missing}"
    assert said("fullchain.pem", "x.pem") == f"{key}: 'x.pem' {missing}"
    assert said("x.pem", "x.pem") == f"{cert}: 'x.pem' {missing}"
    assert said("garbage.pem", "privkey.pem").startswith(f"{cert}: 'garbage.pem' has no readable ")
    assert said("fullchain.pem", "garbage.pem").startswith(f"{key}: 'garbage.pem' has no readable ")
    assert said("privkey.pem", "fullchain.pem").startswith(
        f"{cert}: 'privkey.pem' contains a private"
    )
    assert said("fullchain.pem", "other.pem").startswith(f"{key}: 'other.pem' does not match the ")
    assert said("fullchain.pem", "locked.pem").startswith(f"{key}: 'locked.pem' is encrypted, and ")


@pytest.mark.parametrize("origin", ORIGINS)
def test_the_certificates_of_endpoint_strings_are_known(folder: Path, origin: str) -> None:
    issued = issue(["a.example"])
    (folder / "both.pem").write_bytes(issued.pem + issued.key_pem)
    settings = read_at(origin, ("listen", "ssl:443:privateKey=both.pem"))
    assert settings.own_hosts == {"a.example"}
    assert [pair.names for pair in settings.pairs[0]] == [("a.example",)]
    assert settings.listen == ("ssl:443:privateKey=both.pem",)


@pytest.mark.parametrize(
    "text", ["ssl:443:privateKey=locked.pem", "haproxy:ssl:443:privateKey=locked.pem"]
)
def test_an_endpoint_string_with_bad_files_is_refused_before_it_is_tried(
    folder: Path, text: str
) -> None:
    """OpenSSL would ask for the password of an encrypted key, and wait for somebody to type it."""
    issued = issue()
    (folder / "locked.pem").write_bytes(issued.pem + issued.encrypted_key_pem(b"secret"))
    tried: list[str] = []
    with pytest.raises(BadOption, match="is encrypted"):
        SettingsReader({"listen": [text]}, {}, tried.append).read()
    assert not tried
