"""What verifying one join proof costs, which no rival does when a device connects."""

import secrets
import time
from statistics import median

from vaultrelay.wire.proof import channel_of, join_body, sign_join, verify_join

ROUNDS = 9
PROOFS = 200


def proof_microseconds() -> float:
    """The median of some rounds."""
    seed = secrets.token_bytes(32)
    channel = channel_of(seed)
    body = join_body(bytes(32), bytes(16), channel, bytes(8), "relay.test")
    proof = sign_join(seed, body)
    rounds = []
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(PROOFS):
            verify_join(channel, body, proof)
        rounds.append((time.process_time() - start) * 1e6 / PROOFS)
    return median(rounds)
