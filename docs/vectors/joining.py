"""Joining: the proof of a hello, byte for byte."""

from hashlib import sha256

from vectors.common import AUDIENCE, Json, b64, compact, sample
from vectors.keys import channel_of, derivations, key_of

CONTEXT = b"\x20" * 64 + b"VaultMesh relay 3 join" + b"\x00"


def join_body(
    relay_nonce: bytes, device_nonce: bytes, channel: bytes, device: bytes, audience: str
) -> bytes:
    """What a proof is about."""
    name = audience.encode("ascii")
    return (
        b"\x03" + relay_nonce + device_nonce + channel + device + len(name).to_bytes(1, "big")
    ) + name


def signed_bytes(body: bytes) -> bytes:
    """What Ed25519 signs."""
    return CONTEXT + sha256(body).digest()


class Join:
    """One device's join, from the challenge to the hello."""

    def __init__(
        self,
        name: str,
        audience: str = AUDIENCE,
        client: str | None = "vectors/1",
        keys: Json | None = None,
    ) -> None:
        self.name = name
        self.audience = audience
        self.client = client
        self.seed = sample(f"{name}: channel seed", 32)
        self.device = sample(f"{name}: device", 8)
        if keys is not None:
            self.seed = bytes.fromhex(str(keys["channel_seed"]))
            self.device = bytes.fromhex(str(keys["device"]))
        self.channel = channel_of(self.seed)
        self.relay_nonce = sample(f"{name}: relay nonce", 32)
        self.device_nonce = sample(f"{name}: device nonce", 16)
        self.body = join_body(
            self.relay_nonce, self.device_nonce, self.channel, self.device, audience
        )
        self.proof = key_of(self.seed).sign(signed_bytes(self.body))

    def hello(self, **changes: object) -> str:
        """The hello, with some fields changed; None takes one out."""
        fields: Json = {
            "type": "hello",
            "channel": b64(self.channel),
            "device": b64(self.device),
            "nonce": b64(self.device_nonce),
            "audience": self.audience,
            "proof": b64(self.proof),
            "client": self.client,
        }
        fields.update(changes)
        return compact(**{name: value for name, value in fields.items() if value is not None})

    def vector(self) -> Json:
        """Every step of the join."""
        return {
            "name": self.name,
            "channel_seed": self.seed.hex(),
            "channel": self.channel.hex(),
            "relay_nonce": self.relay_nonce.hex(),
            "device_nonce": self.device_nonce.hex(),
            "device": self.device.hex(),
            "audience": self.audience,
            "client": self.client,
            "challenge": compact(
                type="challenge", protocol=3, nonce=b64(self.relay_nonce), relay="1.0.0"
            ),
            "body": self.body.hex(),
            "body_sha256": sha256(self.body).hexdigest(),
            "signed": signed_bytes(self.body).hex(),
            "proof": self.proof.hex(),
            "hello": self.hello(),
        }


PLAIN = Join("the worked example of the page", client="example/1.0", keys=derivations()[0])


def joins() -> list[Json]:
    """Joins that succeed."""
    return [
        PLAIN.vector(),
        Join("without the optional client", client=None).vector(),
        Join("an internationalized name", "xn--bcher-kva.example").vector(),
        Join("an IPv4 address", "192.0.2.7").vector(),
        Join("an IPv6 address", "2001:db8::1:0:0:1").vector(),
        Join("the shortest audience", "a").vector(),
        Join("the longest audience", ".".join(["a" * 63] * 4)).vector(),
        Join("a client name beyond ASCII", client="B\u00fccher/2 \U0001f511").vector(),
    ]
