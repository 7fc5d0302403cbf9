"""The published test vectors against `vaultrelay.wire`: two implementations of one protocol."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.wire.published_vectors import ALL, DOCS, Vector, each, fields_of
from vaultrelay.policy.audience import Audiences
from vaultrelay.policy.limits.pending import HEAD_BYTES, RETRY_DRAINING_SECONDS, RETRY_FULL_SECONDS
from vaultrelay.policy.limits.reserved import RETRY_RESERVED_SECONDS
from vaultrelay.wire import base64url, data, proof, refusal
from vaultrelay.wire.close_codes import CloseCode
from vaultrelay.wire.control.from_device import read_from_device
from vaultrelay.wire.control.from_relay import read_from_relay
from vaultrelay.wire.control.in_session import LEFT_REASONS
from vaultrelay.wire.control.joining import Challenge, Hello
from vaultrelay.wire.host import canonical_host
from vaultrelay.wire.json_object import BadControl, read_object
from vaultrelay.wire.refusal import Refusal
from vaultrelay.wire.relay_url import host_of_url
from vaultrelay.wire.request import read_request
from vaultrelay.wire.upgrade import read_upgrade

MAKER = DOCS / "make_vectors.py"
REFUSALS: dict[tuple[int, str], Callable[[], Refusal]] = {
    (400, "bad_request"): lambda: refusal.bad_request("Why."),
    (404, "not_found"): refusal.not_found,
    (405, "method_not_allowed"): refusal.method_not_allowed,
    (408, "request_timeout"): refusal.request_timeout,
    (426, "protocol_unsupported"): lambda: refusal.protocol_unsupported((3,)),
    (429, "relay_full"): lambda: refusal.relay_full_of_peers(RETRY_RESERVED_SECONDS),
    (431, "head_too_large"): lambda: refusal.head_too_large(HEAD_BYTES),
    (503, "overloaded"): lambda: refusal.overloaded(17, is_held=False),
    (503, "relay_full"): lambda: refusal.relay_full(RETRY_FULL_SECONDS),
    (503, "draining"): lambda: refusal.draining(RETRY_DRAINING_SECONDS),
}


def read_hello(text: str) -> Hello:
    """The hello in a control message."""
    hello = read_from_device(text.encode())
    assert isinstance(hello, Hello)
    return hello


def body_of(relay_nonce: str, hello: Hello) -> bytes:
    """What the proof of a hello is about."""
    return proof.join_body(
        bytes.fromhex(relay_nonce), hello.nonce, hello.channel, hello.device, hello.audience
    )


def test_the_file_is_what_its_maker_makes() -> None:
    subprocess.run([sys.executable, MAKER, "--check"], check=True)


@pytest.mark.parametrize("content", [None, "{}\n"], ids=["missing", "different"])
def test_the_maker_notices_another_file(tmp_path: Path, content: str | None) -> None:
    maker = shutil.copy(MAKER, tmp_path)
    shutil.copytree(MAKER.with_name("vectors"), tmp_path / "vectors")
    if content is not None:
        (tmp_path / "vectors.json").write_text(content)
    checked = subprocess.run([sys.executable, maker, "--check"], capture_output=True, check=False)
    assert checked.returncode == 1
    assert b"run it without --check" in checked.stderr


def test_every_list_is_known_here() -> None:
    assert list(ALL) == [
        "about",
        "derivations",
        "joins",
        "other_signatures",
        "refused_proofs",
        "refused_channels",
        "relay_controls",
        "tolerated_relay_controls",
        "device_controls",
        "refused_device_controls",
        "data",
        "nacks",
        "refused_data",
        "base64url",
        "audiences",
        "close_codes",
        "close_reasons",
        "decisions",
        "accepted_upgrades",
        "refused_upgrades",
        "refusals",
        "mailbox",
    ]


def test_the_worked_examples_of_the_page_are_vectors() -> None:
    page = "".join((DOCS / "protocol.rst").read_text(encoding="utf-8").split())
    derived, join = ALL["derivations"][0], ALL["joins"][0]
    shown = [value for name, value in derived.items() if name not in ("name", "epoch")]
    shown += [join[name] for name in ("relay_nonce", "device_nonce", "body", "body_sha256")]
    shown += [join[name] for name in ("signed", "proof", "challenge", "hello")]
    shown += [vector["hex"] for vector in ALL["data"][:2] + ALL["nacks"][:1]]
    for text in shown:
        assert "".join(text.split()) in page


@each("derivations")
def test_a_derived_seed_is_the_key_of_its_channel(vector: Vector) -> None:
    assert proof.channel_of(bytes.fromhex(vector["channel_seed"])).hex() == vector["channel"]
    assert len(bytes.fromhex(vector["device"])) == proof.DEVICE_BYTES


def test_the_page_s_join_uses_derived_keys() -> None:
    derived, join = ALL["derivations"][0], ALL["joins"][0]
    for name in ("channel_seed", "channel", "device"):
        assert derived[name] == join[name]


@each("joins")
def test_joins(vector: Vector) -> None:
    seed = bytes.fromhex(vector["channel_seed"])
    challenge = Challenge.read(read_object(vector["challenge"].encode()))
    assert challenge.encode().decode() == vector["challenge"]
    assert challenge.nonce.hex() == vector["relay_nonce"]

    hello = read_hello(vector["hello"])
    assert hello == Hello(
        proof.channel_of(seed),
        bytes.fromhex(vector["device"]),
        bytes.fromhex(vector["device_nonce"]),
        vector["audience"],
        bytes.fromhex(vector["proof"]),
        vector["client"] or "",
    )
    assert hello.channel.hex() == vector["channel"]
    if vector["client"] is not None:
        assert hello.encode().decode() == vector["hello"]

    body = body_of(vector["relay_nonce"], hello)
    assert body.hex() == vector["body"]
    assert bytes.fromhex(vector["signed"]).endswith(bytes.fromhex(vector["body_sha256"]))
    assert proof.sign_join(seed, body).hex() == vector["proof"]
    assert proof.verify_join(hello.channel, body, hello.proof)


@each("other_signatures")
def test_other_signatures(vector: Vector) -> None:
    hello = read_hello(vector["hello"])
    body = body_of(vector["relay_nonce"], hello)
    assert proof.verify_join(hello.channel, body, hello.proof)
    assert proof.sign_join(bytes.fromhex(vector["channel_seed"]), body) != hello.proof


@each("refused_proofs")
def test_refused_proofs(vector: Vector) -> None:
    hello = read_hello(vector["hello"])
    assert not proof.verify_join(hello.channel, body_of(vector["relay_nonce"], hello), hello.proof)


@each("refused_channels")
def test_refused_channels(vector: Vector) -> None:
    hello = read_hello(vector["hello"])
    assert hello.channel.hex() == vector["channel"]
    assert hello.channel in proof.REFUSED_CHANNELS
    assert not proof.verify_join(hello.channel, body_of(vector["relay_nonce"], hello), hello.proof)


def test_no_channel_is_refused_beside_those() -> None:
    listed = [vector["channel"] for vector in ALL["refused_channels"]]
    assert sorted(listed) == sorted(channel.hex() for channel in proof.REFUSED_CHANNELS)


@each("relay_controls")
def test_relay_controls(vector: Vector) -> None:
    message = read_from_relay(vector["text"].encode())
    assert message is not None
    assert fields_of(message) == vector["fields"]
    assert message.encode().decode() == vector["text"]


def test_every_reason_of_leaving_is_shown() -> None:
    shown = {vector["fields"].get("reason") for vector in ALL["relay_controls"]}
    assert shown >= LEFT_REASONS


@each("tolerated_relay_controls")
def test_tolerated_relay_controls(vector: Vector) -> None:
    message = read_from_relay(vector["text"].encode())
    assert (None if message is None else fields_of(message)) == vector["fields"]


@each("device_controls")
def test_device_controls(vector: Vector) -> None:
    text = vector["text"].encode()
    assert read_from_device(text).type == json.loads(text)["type"]


@each("refused_device_controls")
def test_refused_device_controls(vector: Vector) -> None:
    with pytest.raises(BadControl) as broken:
        read_from_device(vector["text"].encode())
    assert broken.value.slug == vector["rule"]


@each("data")
def test_data(vector: Vector) -> None:
    message = bytes.fromhex(vector["hex"])
    payload = bytes.fromhex(vector["payload"])
    to, sender, id = vector["to"], vector["from"], vector["id"]
    assert data.pack_data(to, sender, id, payload) == message
    assert data.check_data(message, sender) == (to, id)
    assert data.read_header(message) == (
        vector["kind"],
        vector["flags"],
        vector["reason"],
        to,
        sender,
        id,
    )
    assert message[data.HEADER_BYTES :] == payload


@each("nacks")
def test_nacks(vector: Vector) -> None:
    message = bytes.fromhex(vector["hex"])
    reason = data.Reason(vector["reason"])
    assert reason.name.lower() == vector["name"]
    assert data.pack_nack(vector["to"], vector["from"], vector["id"], reason) == message
    assert data.read_header(message) == (
        vector["kind"],
        vector["flags"],
        reason,
        vector["to"],
        vector["from"],
        vector["id"],
    )


def test_every_reason_of_a_nack_is_shown() -> None:
    assert [vector["reason"] for vector in ALL["nacks"]] == list(data.Reason)


@each("refused_data")
def test_refused_data(vector: Vector) -> None:
    with pytest.raises(data.BadHeader) as broken:
        data.check_data(bytes.fromhex(vector["hex"]), vector["session"])
    assert broken.value.slug == vector["rule"]


@each("base64url", "canonical")
def test_canonical_base64url(vector: Vector) -> None:
    raw = bytes.fromhex(vector["hex"])
    assert base64url.encode(raw) == vector["text"]
    assert base64url.decode(vector["text"], len(raw)) == raw


@each("base64url", "refused")
def test_refused_base64url(vector: Vector) -> None:
    with pytest.raises(ValueError, match=r"base64url|bytes instead of"):
        base64url.decode(vector["text"], vector["bytes"])


@each("audiences", "dialled")
def test_audiences_of_urls(vector: Vector) -> None:
    assert host_of_url(vector["url"]) == vector["audience"]


@each("audiences", "not_in_every_parser")
def test_urls_whose_host_parsers_disagree_about(vector: Vector) -> None:
    """The reference client refuses such a URL, or has one of the spellings that relays accept."""
    try:
        audience = host_of_url(vector["url"])
    except ValueError:
        assert vector["may_be_refused"]
    else:
        assert audience in vector["audiences"]
    audiences = Audiences([canonical_host(vector["name"])])
    assert all(audiences.accepts(each) for each in vector["audiences"])


@pytest.mark.parametrize("url", ALL["audiences"]["no_host"])
def test_urls_without_a_host(url: str) -> None:
    with pytest.raises(ValueError, match="is not a"):
        host_of_url(url)


@each("audiences", "relays")
def test_audiences_of_relays(vector: Vector) -> None:
    audiences = Audiences(map(canonical_host, vector["names"]))
    assert all(audiences.accepts(audience) for audience in vector["accepts"])
    assert not any(audiences.accepts(audience) for audience in vector["refuses"])


def test_close_codes() -> None:
    ours = [
        {
            "code": code.number,
            "slug": code.slug,
            "may_return": code.retries != 0,
            "retries": code.retries,
        }
        for code in CloseCode
    ]
    assert ours == ALL["close_codes"]


@each("close_reasons")
def test_close_reasons(vector: Vector) -> None:
    (code,) = (code for code in CloseCode if code.number == vector["code"])
    assert code.slug == vector["slug"]
    assert code.reason(**vector["details"]) == vector["text"]


@each("accepted_upgrades")
def test_accepted_upgrades(vector: Vector) -> None:
    request = read_request(vector["head"].encode("latin-1"))
    assert request.wants_websocket
    upgrade = read_upgrade(request)
    assert upgrade.version == vector["protocol"]
    assert upgrade.subprotocol == vector["subprotocol"]
    assert (upgrade.channel and upgrade.channel.hex()) == vector["channel"]


@each("refused_upgrades")
def test_refused_upgrades(vector: Vector) -> None:
    with pytest.raises(Refusal) as refused:
        read_upgrade(read_request(vector["head"].encode("latin-1")))
    assert (refused.value.status, refused.value.error) == (vector["status"], vector["error"])


@each("refusals")
def test_refusals(vector: Vector) -> None:
    answer = REFUSALS[vector["status"], vector["body"]["error"]]().response()
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode("ascii").split("\r\n")
    assert status.startswith(f"HTTP/1.1 {vector['status']} ")
    for name, value in vector["headers"].items():
        assert f"{name}: {value}" in lines
    assert f"Content-Length: {len(body)}" in lines
    said = json.loads(body)
    assert said.pop("detail")
    assert said == vector["body"]
