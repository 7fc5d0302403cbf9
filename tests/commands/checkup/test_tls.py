"""The step of TLS, against servers that do it each in their own way."""

import os
import socket
import ssl
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from cryptography import x509
from cryptography.x509.oid import ExtensionOID
from twisted.internet.task import deferLater

from tests.authority import chain, write_pair
from tests.commands.checkup.servers import answering
from vaultrelay.commands.checkup import probe, tls
from vaultrelay.commands.checkup.probe import TlsFacts
from vaultrelay.commands.checkup.result import CheckFailed, StepResult
from vaultrelay.wire.relay_url import RelayUrl


async def checked(port: int) -> StepResult:
    from twisted.internet import reactor

    return await tls.check_tls(reactor, RelayUrl.read(f"wss://localhost:{port}"))


def server(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    days: float = 30,
    names: Sequence[str] = ("localhost",),
    **more: Any,
) -> ssl.SSLContext:
    """A server's context, whose certificate is trusted."""
    ends = datetime.now(UTC) + timedelta(days=days)
    certificate, key = write_pair(folder, *chain(names, ends=ends, **more))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def slugs(found: StepResult) -> list[str]:
    return [warning.slug for warning in found.warnings]


@pytest_twisted.ensureDeferred
async def test_a_good_server_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = server(tmp_path, monkeypatch, 15.5)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with answering(b"", context) as port:
        found = await checked(port)
    assert slugs(found) == []
    assert found.detail.startswith("TLSv1.3, TLS_")
    assert {**found.facts, "cipher": ""} == {
        "version": "TLSv1.3",
        "cipher": "",
        "alpn": "http/1.1",
        "days_left": 15,
        "old_version": None,
    }


@pytest_twisted.ensureDeferred
async def test_a_certificate_that_ends_soon_and_no_alpn_are_warnings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(b"", server(tmp_path, monkeypatch, 14.9)) as port:
        found = await checked(port)
    assert slugs(found) == ["certificate_ends_soon", "no_alpn"]
    assert found.warnings[0].text.startswith("The certificate expires in 14 days: ")


@pytest_twisted.ensureDeferred
async def test_a_server_that_selects_nothing_but_http_2_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = server(tmp_path, monkeypatch)
    context.set_alpn_protocols(["h2"])
    with answering(b"", context) as port:
        assert slugs(await checked(port)) == ["http_2_only"]


@pytest_twisted.ensureDeferred
async def test_a_certificate_with_a_common_name_only_has_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = server(tmp_path, monkeypatch, names=[], subject="localhost")
    with (
        answering(b"", context) as port,
        pytest.raises(CheckFailed, match="contains no host name, so every device refuses it"),
    ):
        await checked(port)


@pytest.mark.parametrize("is_trusted", [True, False])
@pytest_twisted.ensureDeferred
async def test_a_name_that_is_no_text_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_trusted: bool
) -> None:
    names = x509.UnrecognizedExtension(
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME, b"\x30\x0e\x82\x09localhost\x82\x01\xff"
    )
    context = server(tmp_path, monkeypatch, names=[], more=[names])
    if not is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", os.devnull)
    reason = "a name or a date that cannot be read" if is_trusted else "or trust its authority"
    with answering(b"", context) as port, pytest.raises(CheckFailed, match=reason):
        await checked(port)


@pytest_twisted.ensureDeferred
async def test_a_handshake_that_never_ends_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    from twisted.internet import reactor

    monkeypatch.setattr(probe, "ANSWER_SECONDS", 0.01)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(CheckFailed, match="did not complete a handshake in 6 s"),
    ):
        await checked(silent.getsockname()[1])
    # The reactor closes the aborted connection.
    await deferLater(reactor, 0)


@pytest_twisted.ensureDeferred
async def test_a_server_that_ends_the_handshake_for_want_of_http_2_has_failed() -> None:
    no_application_protocol = b"\x15\x03\x03\x00\x02\x02\x78"
    with (
        answering(no_application_protocol) as port,
        pytest.raises(CheckFailed, match="HTTP/2 only, and WebSockets need"),
    ):
        await checked(port)


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
@pytest_twisted.ensureDeferred
async def test_old_versions_are_found_where_they_can_be_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    context = server(tmp_path, monkeypatch)
    context.set_alpn_protocols(["http/1.1"])
    context.set_ciphers("ALL:@SECLEVEL=0")
    monkeypatch.setattr(tls, "_old_context", lambda: old_context(version))
    with warnings.catch_warnings(action="ignore"):
        context.minimum_version = ssl.TLSVersion[version]
    with answering(b"", context) as port:
        found = await checked(port)
    if found.facts["old_version"] is None:
        pytest.skip("this OpenSSL speaks no old TLS")
    assert slugs(found) == ["old_tls"]
    name = {"TLSv1": "TLS 1.0", "TLSv1_1": "TLS 1.1"}[version]
    assert f"still accepts {name}, which is insecure" in found.warnings[0].text


def old_context(version: str) -> ssl.SSLContext:
    """Offers this version alone."""
    context = REAL_OLD_CONTEXT()
    with warnings.catch_warnings(action="ignore"):
        context.maximum_version = ssl.TLSVersion[version]
    return context


REAL_OLD_CONTEXT = tls._old_context


def test_a_weak_key_is_what_a_careful_client_says_it_is() -> None:
    error = ssl.SSLCertVerificationError()
    error.verify_message = "EE certificate key too weak"
    agreed = TlsFacts("TLSv1.3", "", 30, "http/1.1")
    others = [warning.slug for warning in tls._warnings(agreed, agreed, agreed, OSError())]
    assert [each.slug for each in tls._warnings(agreed, error, agreed, OSError())] == [
        "weak_key",
        *others,
    ]
    error.verify_message = "self-signed certificate"
    assert [each.slug for each in tls._warnings(agreed, error, agreed, OSError())] == others
