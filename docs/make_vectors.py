"""Makes what the author of a client in any language needs of protocol 3: vectors.json, the test
vectors, and schema.json, the JSON Schema of messages and refusals.

Everything here is written down or computed a second time, from the protocol page and with
`cryptography` alone: the relay's own code is not used, so that its tests compare two
implementations. Nothing is random, so every run writes the same files::

    python docs/make_vectors.py            write both beside this file, and the kit's copy
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
    decisions,
    joining,
    keys,
    mailbox_controls,
    mailbox_data,
    mailbox_keys,
    mailbox_streams,
    proofs,
    refused_upgrades,
    schemas,
    spellings,
    upgrades,
)
from vectors.common import Json

TARGET = Path(__file__).with_name("vectors.json")
SCHEMA = Path(__file__).with_name("schema.json")
KIT = Path(__file__).parents[1] / "vaultrelay" / "conformance" / "cases" / "vectors.json"
PLAYED = ("relay_controls", "tolerated_relay_controls", "audiences", "decisions")
PLAYED_OF_MAILBOX = (
    "collapse_keys",
    "relay_controls",
    "tolerated_relay_controls",
    "refused_relay_controls",
    "items",
    "refused_relay_data",
    "streams",
)


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
        "decisions": decisions.decisions(),
        "accepted_upgrades": upgrades.accepted_upgrades(),
        "refused_upgrades": refused_upgrades.refused_upgrades(),
        "refusals": refused_upgrades.refusals(),
        "mailbox": mailbox(),
    }


def mailbox() -> Json:
    """The whole chapter of the mailbox."""
    return {
        "collapse_keys": mailbox_keys.collapse_keys(),
        "lifetimes": mailbox_keys.lifetimes(),
        "relay_controls": mailbox_controls.relay_controls(),
        "tolerated_relay_controls": mailbox_controls.tolerated_relay_controls(),
        "refused_relay_controls": mailbox_controls.refused_relay_controls(),
        "device_controls": mailbox_controls.device_controls(),
        "refused_device_controls": mailbox_controls.refused_device_controls(),
        "puts": mailbox_data.puts(),
        "refused_puts": mailbox_data.refused_puts(),
        "nacks": mailbox_data.nacks(),
        "items": mailbox_data.items(),
        "stored": mailbox_data.stored(),
        "refused_relay_data": mailbox_data.refused_relay_data(),
        "streams": mailbox_streams.streams(),
    }


def played() -> Json:
    """The chapters that the conformance kit plays; it is installed without this folder."""
    whole = vectors()
    of_mailbox = {name: mailbox()[name] for name in PLAYED_OF_MAILBOX}
    return {**{name: whole[name] for name in PLAYED}, "mailbox": of_mailbox}


def main() -> int:
    """Write the files, or compare them; the exit status."""
    parser = argparse.ArgumentParser(description="Makes the test vectors of protocol 3.")
    parser.add_argument("--check", action="store_true", help="only compare; exit 1 on a difference")
    is_check = parser.parse_args().check
    made = {TARGET: vectors(), SCHEMA: schemas.schemas(), KIT: played()}
    for path, content in made.items():
        text = json.dumps(content, indent=1) + "\n"
        if not is_check:
            path.write_text(text, encoding="ascii", newline="\n")
        elif not path.exists() or path.read_bytes() != text.encode("ascii"):
            print(
                f"{path} is not what make_vectors.py makes; run it without --check.",
                file=sys.stderr,
            )
            return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
