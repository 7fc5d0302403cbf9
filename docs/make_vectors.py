"""Makes vectors.json: the test vectors of protocol 3, for the author of a client in any language.

Everything here is written down or computed a second time, from the protocol page and with
`cryptography` alone: the relay's own code is not used, so that its tests compare two
implementations. Nothing is random, so every run writes the same file::

    python docs/make_vectors.py            write vectors.json beside this file
    python docs/make_vectors.py --check    write nothing; exit 1 when the file differs
"""

import argparse
import json
import sys
from pathlib import Path

from vectors import (
    closes,
    controls,
    data,
    joining,
    keys,
    proofs,
    refused_upgrades,
    spellings,
    upgrades,
)
from vectors.common import Json

TARGET = Path(__file__).with_name("vectors.json")


def vectors() -> Json:
    """The whole document."""
    return {
        "about": "Test vectors of VaultMesh relay protocol 3; protocol.rst says what they mean. "
        "Byte strings are hex, except in messages, which stand as they are sent. A request head "
        "is text whose every character is one byte.",
        "derivations": keys.derivations(),
        "joins": joining.joins(),
        "other_signatures": proofs.other_signatures(),
        "refused_proofs": proofs.refused_proofs(),
        "refused_channels": proofs.refused_channels(),
        "relay_controls": controls.relay_controls(),
        "tolerated_relay_controls": controls.tolerated_relay_controls(),
        "device_controls": controls.device_controls(),
        "refused_device_controls": controls.refused_device_controls(),
        "data": data.data_messages(),
        "nacks": data.nacks(),
        "refused_data": data.refused_data(),
        "base64url": spellings.base64url_texts(),
        "audiences": spellings.audiences(),
        "close_codes": closes.close_codes(),
        "close_reasons": closes.close_reasons(),
        "accepted_upgrades": upgrades.accepted_upgrades(),
        "refused_upgrades": refused_upgrades.refused_upgrades(),
        "refusals": refused_upgrades.refusals(),
    }


def main() -> int:
    """Write the file, or compare it; the exit status."""
    parser = argparse.ArgumentParser(description="Makes the test vectors of protocol 3.")
    parser.add_argument("--check", action="store_true", help="only compare; exit 1 on a difference")
    text = json.dumps(vectors(), indent=1) + "\n"
    if not parser.parse_args().check:
        TARGET.write_text(text, encoding="ascii", newline="\n")
        return 0
    if TARGET.exists() and TARGET.read_bytes() == text.encode("ascii"):
        return 0
    print(f"{TARGET} is not what make_vectors.py makes; run it without --check.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
