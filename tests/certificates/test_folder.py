"""A folder of certificates: which pairs it has, and what is reported of unusable files."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.authority import NAME, issue, rsa_key, write_pair
from tests.certificates.pairs import ISSUED, LOWER, MIDDLE, ROOT, first_flight, is_trusted, served
from vaultrelay.certificates.certificate_files import BadCertificate
from vaultrelay.certificates.folder import load_folder


class TestAFolder:
    @pytest.fixture(autouse=True)
    def temporary(self, tmp_path_factory: pytest.TempPathFactory, monkeypatch: Any) -> Path:
        """Where temporary files would be."""
        folder = tmp_path_factory.mktemp("temporary")
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        return folder

    def refusal_of(self, folder: Path) -> str:
        with pytest.raises(BadCertificate) as caught:
            load_folder(folder)
        return str(caught.value)

    def test_cannot_be_tried_without_a_temporary_folder(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As in a container whose root is read-only, or under another user than at the start."""
        write_pair(tmp_path, issue())
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
        assert self.refusal_of(tmp_path) == (
            "cannot be checked: there is no temporary folder that the relay can write to. Set "
            "TMPDIR to one"
        )

    def test_has_keys_in_files_of_their_own(self, tmp_path: Path, temporary: Path) -> None:
        issued = [issue([f"{number}.example"]) for number in range(3)]
        for number, each in enumerate(issued):
            (tmp_path / f"key{9 - number}.pem").write_bytes(each.key_pem)
            (tmp_path / f"{number}.pem").write_bytes(each.pem)
        pairs = load_folder(tmp_path)
        assert [served(pair) for pair in pairs] == [each.der for each in reversed(issued)]
        assert list(temporary.iterdir()) == []

    def test_serves_the_issuers_that_are_needed(self, tmp_path: Path, temporary: Path) -> None:
        """In whatever files they are. A client that knows only the root trusts what is served."""
        own, other = issue(issuer=LOWER), issue(["other.example"])
        (tmp_path / "chain.pem").write_bytes(MIDDLE.pem + other.pem + LOWER.pem)
        (tmp_path / "key.pem").write_bytes(own.key_pem)
        (tmp_path / "own.pem").write_bytes(own.pem)
        (pair,) = load_folder(tmp_path)
        assert served(pair) == own.der
        assert is_trusted(pair, ROOT)
        assert not is_trusted(pair, other)
        assert list(temporary.iterdir()) == []

    def test_serves_no_root(self, tmp_path: Path) -> None:
        """A client that trusts the root has it; sending it only makes each handshake longer."""
        own = issue(issuer=MIDDLE)
        (tmp_path / "fullchain.pem").write_bytes(own.pem + MIDDLE.pem + ROOT.pem)
        (tmp_path / "privkey.pem").write_bytes(own.key_pem)
        (pair,) = load_folder(tmp_path)
        flight = first_flight(pair)
        assert own.der in flight
        assert MIDDLE.der in flight
        assert ROOT.der not in flight

    def test_may_hold_what_nobody_needs(self, tmp_path: Path) -> None:
        """Roots too, and old issuers whose keys are too short for a certificate to be served."""
        old = issue((), subject="old", key=rsa_key(1024), authority=True)
        older = issue((), subject="older", key=rsa_key(1024), issuer=old, authority=True)
        own = issue(issuer=MIDDLE)
        whole = b"".join(each.pem for each in (own, MIDDLE, ROOT, old, older, own))
        (tmp_path / "fullchain.pem").write_bytes(whole)
        (tmp_path / "privkey.pem").write_bytes(own.key_pem)
        (tmp_path / "notes.txt").write_text("-----BEGIN CERTIFICATE-----")
        (pair,) = load_folder(tmp_path)
        assert served(pair) == own.der
        assert is_trusted(pair, ROOT)

    def test_may_hold_a_key_that_is_nobodys(self, tmp_path: Path) -> None:
        write_pair(tmp_path, issue())
        (tmp_path / "spare.pem").write_bytes(issue().key_pem)
        (tmp_path / "spare-rsa.pem").write_bytes(issue(key=rsa_key()).key_pem)
        assert [pair.names for pair in load_folder(tmp_path)] == [(NAME,)]

    @pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
    def test_names_the_file_of_an_encrypted_key(
        self, tmp_path: Path, temporary: Path, form: PrivateFormat
    ) -> None:
        issued = issue()
        write_pair(tmp_path, issued)
        (tmp_path / "sub").mkdir()
        locked = tmp_path / "sub" / "locked.pem"
        locked.write_bytes(issued.encrypted_key_pem(b"secret", form))
        assert self.refusal_of(tmp_path).startswith(f"contains {locked}, which is encrypted, and ")
        assert list(temporary.iterdir()) == []

    def test_names_the_file_of_a_damaged_certificate_or_key(self, tmp_path: Path) -> None:
        write_pair(tmp_path, ISSUED)
        bad = tmp_path / "a.pem"
        for content in (ISSUED.pem[:-100], ISSUED.key_pem[:-80]):
            bad.write_bytes(content)
            assert self.refusal_of(tmp_path) == (
                f"contains {bad}, which cannot be read on line 1: the block that begins there has "
                "no end. The file is truncated"
            )

    def test_names_what_lies_in_it_in_place_of_a_pair(self, tmp_path: Path) -> None:
        (tmp_path / "a.pem").write_bytes(ISSUED.der)
        (tmp_path / "b.pem").write_text("<html></html>")
        (tmp_path / "c.pem").write_bytes(ISSUED.key_pem)
        (tmp_path / "d.pem").write_text("notes")
        assert self.refusal_of(tmp_path) == (
            "has no .pem files with a certificate and its key: a.pem is a certificate in DER; "
            "b.pem is a web page; c.pem contains a private key but no certificate"
        )

    def test_names_the_file_of_a_certificate_that_is_refused(self, tmp_path: Path) -> None:
        """Of the pair it is the certificate that devices refuse, and not the key."""
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
        certificate, _ = write_pair(tmp_path, issue(more=[usage]))
        assert self.refusal_of(tmp_path).startswith(
            f"contains {certificate}, which would be rejected"
        )

    def test_names_the_file_of_a_key_too_short(self, tmp_path: Path) -> None:
        _, key = write_pair(tmp_path, issue(key=rsa_key(1024)))
        assert self.refusal_of(tmp_path).startswith(
            f"contains {key}, which contains a key that is too short "
        )

    def test_names_a_file_that_may_not_be_read(self, tmp_path: Path) -> None:
        (tmp_path / "a.pem").mkdir()
        said = self.refusal_of(tmp_path)
        assert said == f"contains {tmp_path / 'a.pem'}, which cannot be read: is a directory"
