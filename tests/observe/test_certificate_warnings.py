"""Warnings of certificates: each that devices would have a reason to refuse."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, SECP521R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey

from tests.authority import (
    DAY,
    NAME,
    Issued,
    Key,
    chain,
    ec_key,
    ed25519_key,
    issue,
    rsa_key,
    write_pair,
)
from tests.memory import Relay
from vaultrelay.certificates.folder import load_folder
from vaultrelay.certificates.server_certificate import load_certificate, utc_now
from vaultrelay.policy.operator_warning import OperatorWarning

ROOT = issue((), subject="My Root", authority=True)
MIDDLE = issue((), subject="My Issuer", issuer=ROOT, authority=True)


def warnings(
    folder: Path, *issued: Issued, public_urls: Sequence[str] = (), **settings: object
) -> list[OperatorWarning]:
    """What a relay says of a certificate, its chain and its key."""
    pair = load_certificate(*write_pair(folder, *issued))
    relay = Relay(pairs=((pair,),), public_urls=tuple(public_urls), **settings)
    return [warning for warning in relay.service.warnings() if warning.slug != "no_name"]


def slugs(found: list[OperatorWarning]) -> list[str]:
    return [warning.slug for warning in found]


def test_a_certificate_with_its_chain_is_left_alone(tmp_path: Path) -> None:
    url = f"wss://{NAME}"
    assert warnings(tmp_path, *chain(), public_urls=[url]) == []
    own = issue(issuer=MIDDLE)
    assert warnings(tmp_path, own, MIDDLE, ROOT, public_urls=[url]) == []


class TestTrust:
    def test_one_that_is_self_signed(self, tmp_path: Path) -> None:
        (warning,) = warnings(tmp_path, issue())
        assert warning.slug == "certificate_trust"
        assert warning.text.startswith("The certificate is self-signed: no device trusts it by")

    @pytest.mark.parametrize("served", [[], [MIDDLE]], ids=["no chain", "half of it"])
    def test_a_chain_that_does_not_reach_an_authority(
        self, tmp_path: Path, served: list[Issued]
    ) -> None:
        lower = issue((), subject="Lower Issuer", issuer=MIDDLE, authority=True)
        chain = [issue(issuer=lower), lower, *served] if served else [issue(issuer=lower)]
        (warning,) = warnings(tmp_path, *chain)
        assert warning.slug == "certificate_trust"
        assert warning.text.startswith("The certificate was issued by Lower Issuer, and the relay ")
        assert "fullchain.pem" in warning.text

    @pytest.mark.parametrize(
        ("change", "line", "cause"),
        [
            (lambda own, issuer: own + b" " + issuer, 12, "a marker must have a line"),
            (lambda own, issuer: own + b"issuer: " + issuer, 12, "a marker must have a line"),
            (lambda own, issuer: own + issuer.replace(b"\n", b""), 12, "without line ends"),
            (lambda own, issuer: own.replace(b"-----END", b"----END") + issuer, 11, "five hyphens"),
        ],
        ids=["a space", "words", "one line", "four hyphens"],
    )
    def test_a_chain_of_which_openssl_reads_no_more_than_the_first(
        self, tmp_path: Path, change: Callable[[bytes, bytes], bytes], line: int, cause: str
    ) -> None:
        """It takes the rest for text, without an error."""
        certificate, key = write_pair(tmp_path, own := issue(issuer=MIDDLE))
        certificate.write_bytes(change(own.pem, MIDDLE.pem))
        relay = Relay(pairs=((load_certificate(certificate, key),),))
        (warning,) = [each for each in relay.service.warnings() if each.slug != "no_name"]
        said = "The certificate is served without those of its issuers: "
        assert warning.text.startswith(f"{said}{certificate} cannot be read on line {line}: ")
        assert cause in warning.text

    def test_a_chain_in_the_wrong_place(self, tmp_path: Path) -> None:
        """That of another certificate."""
        assert slugs(warnings(tmp_path, issue(issuer=MIDDLE), *chain())) == ["certificate_trust"]

    @pytest.mark.parametrize("served", [[MIDDLE], []], ids=["of a root", "of an issuer"])
    def test_what_this_machine_trusts_need_not_be_served(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, served: list[Issued]
    ) -> None:
        trusted = tmp_path / "trusted.pem"
        trusted.write_bytes(ROOT.pem if served else MIDDLE.pem + ROOT.pem)
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        assert warnings(tmp_path, issue(issuer=MIDDLE), *served) == []

    def test_a_machine_that_trusts_nobody_does_not_judge(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As in a container without a list of authorities."""
        (tmp_path / "none").mkdir()
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
        monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
        assert warnings(tmp_path, issue(issuer=MIDDLE), MIDDLE) == []

    def test_an_issuer_that_has_expired(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "root.pem"))
        (tmp_path / "root.pem").write_bytes(ROOT.pem)
        then = utc_now() - 9 * DAY
        gone = issue((), subject="Gone", issuer=ROOT, authority=True, starts=then, ends=then + DAY)
        (warning,) = warnings(tmp_path, issue(issuer=gone), gone)
        assert warning.text.startswith(
            "Devices may refuse the certificate or its chain: certificate has expired. "
        )

    def test_several_listeners_with_one_certificate_are_one_finding(self, tmp_path: Path) -> None:
        pair = load_certificate(*write_pair(tmp_path, issue((), key=ed25519_key())))
        relay = Relay(listen=("tcp:0", "tcp:0"), pairs=((pair,), (pair,)))
        found = relay.service.warnings()
        assert len(found) == len(set(found))
        assert "certificate_trust" in slugs(list(found))
        assert "certificate_key" in slugs(list(found))

    def test_its_own_dates_hide_nothing(self, tmp_path: Path) -> None:
        now = utc_now()
        own = issue(issuer=MIDDLE, starts=now - 2 * DAY, ends=now - DAY)
        assert slugs(warnings(tmp_path, own)) == ["certificate", "certificate_trust"]

    def test_a_folder_knows_its_own_roots(self, tmp_path: Path) -> None:
        """They are not served."""
        own = issue(issuer=MIDDLE)
        write_pair(tmp_path, own, MIDDLE)
        (pair,) = load_folder(tmp_path)
        assert pair.lacks_issuer
        (tmp_path / "root.pem").write_bytes(ROOT.pem)
        (pair,) = load_folder(tmp_path)
        assert not pair.lacks_issuer


class TestNames:
    @pytest.mark.parametrize(
        ("names", "url"),
        [
            (["other.example"], f"wss://{NAME}"),
            ([f"*.{NAME}"], f"wss://{NAME}"),
            (["*.example.org"], "wss://a.b.example.org"),
            ([NAME], "192.0.2.1"),
            (["192.0.2.2"], "wss://192.0.2.1:8443/path"),
            ([NAME], "https://other.example"),
        ],
    )
    def test_a_public_url_that_is_not_among_them(
        self, tmp_path: Path, names: list[str], url: str
    ) -> None:
        (warning,) = warnings(tmp_path, *chain(names), public_urls=[url])
        assert warning.slug == "certificate_name"
        assert warning.is_urgent
        assert f"of --public-url: the certificate is for {names[0]}. " in warning.text

    @pytest.mark.parametrize(
        ("names", "url"),
        [
            ([NAME], "RELAY.example.org"),
            (["*.example.org"], f"wss://{NAME}:8443/path"),
            (["bücher.example"], "wss://BÜCHER.example"),
            (["2001:db8::1"], "wss://[2001:DB8:0::1]"),
            (["other.example"], f"ws://{NAME}.local"),
        ],
    )
    def test_a_public_url_that_is(self, tmp_path: Path, names: list[str], url: str) -> None:
        assert warnings(tmp_path, *chain(names), public_urls=[url]) == []

    def test_each_public_url_counts(self, tmp_path: Path) -> None:
        (warning,) = warnings(
            tmp_path, *chain(["a.example"]), public_urls=["a.example", "b.example"]
        )
        assert "REFUSE TO CONNECT to b.example of --public-url" in warning.text

    def test_one_that_is_for_no_name(self, tmp_path: Path) -> None:
        """As old instructions for openssl make them."""
        (warning,) = warnings(tmp_path, *chain(()))
        assert (warning.slug, warning.is_urgent) == ("certificate_name", True)
        assert "A common name (CN) does not count" in warning.text

    def test_many_are_not_all_told(self, tmp_path: Path) -> None:
        names = [f"{number}.example" for number in range(9)]
        (warning,) = warnings(tmp_path, *chain(names), public_urls=["relay.test"])
        assert "is for 0.example, 1.example, 2.example, 3.example, 4.example, .... " in warning.text


@pytest.mark.parametrize(
    ("make_key", "kind"),
    [
        (ed25519_key, "Ed25519"),
        (Ed448PrivateKey.generate, "Ed448"),
        (lambda: generate_ec(SECP521R1()), "P-521"),
        (lambda: generate_ec(SECP384R1()), ""),
        (ec_key, ""),
        (rsa_key, ""),
    ],
    ids=["Ed25519", "Ed448", "P-521", "P-384", "P-256", "RSA"],
)
def test_a_key_that_browsers_refuse(tmp_path: Path, make_key: Callable[[], Key], kind: str) -> None:
    found = warnings(tmp_path, *chain(key=make_key()))
    assert slugs(found) == (["certificate_key"] if kind else [])
    assert all(f"of the kind {kind}. Have it issued for a P-256 key" in f.text for f in found)


def test_behind_trusted_proxies_devices_do_not_see_it(tmp_path: Path) -> None:
    """The proxies know what they accept; an expired certificate is one that they refuse, too."""
    now = utc_now()
    own = issue((), key=ed25519_key(), starts=now - 2 * DAY, ends=now - timedelta(1))
    assert slugs(warnings(tmp_path, own, trusted_proxies=("10.0.0.1",))) == ["certificate"]


def test_one_that_is_not_yet_valid_leads_to_the_clock(tmp_path: Path) -> None:
    starts = utc_now() + DAY
    own, root = chain(starts=starts, ends=starts + 9 * DAY)
    (warning,) = warnings(tmp_path, own, root)
    assert (
        f"not valid before {starts:%Y-%m-%d %H:%M} UTC. The clock of this machine shows "
        in warning.text
    )
    assert warning.text.endswith(" UTC: correct it if it is wrong.")
    assert warning.is_urgent
