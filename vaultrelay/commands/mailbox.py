"""``vault-relay mailbox``: the operator's work with the mailbox of a relay."""

import json
import os
from argparse import SUPPRESS, Namespace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vaultrelay.app.exit_status import stop_with
from vaultrelay.app.standard_streams import print_error, print_result
from vaultrelay.commands.mailbox_access import Failed, Mailbox, NoMailbox
from vaultrelay.commands.parser import argument, command_parser
from vaultrelay.policy.printable import printable
from vaultrelay.web.units import number, size

_FAILED = 1
_FOLDER = argument(
    "--mailbox",
    metavar="FOLDER",
    default=SUPPRESS,
    help="The folder of the mailbox. Default: $RELAY_MAILBOX.",
)
_KEY = argument(
    "--mailbox-key",
    metavar="FILE",
    default=SUPPRESS,
    help="The file with its key, needed if no relay runs. Default: $RELAY_MAILBOX_KEY, or the file "
    "key in the folder.",
)


def _subcommand(help: str, details: str, *arguments: Any) -> dict[str, Any]:
    return {
        "help": help,
        "details": f"{help}\n\n{details}",
        "arguments": (*arguments, _FOLDER, _KEY),
    }


PARSER = command_parser(
    "mailbox",
    """
A running relay does the work itself: the command asks it through a unix socket in the folder of
the mailbox. If no relay runs, the command opens the mailbox. Run it as the user of the relay; with
a running relay root can, too.
""",
    notes="""
See vault-relay mailbox SUBCOMMAND --help for the arguments of each. The exit status is 0, 1 if the
work failed or found a fault, and 2 for invalid arguments.

Examples:

  vault-relay mailbox usage --mailbox /var/lib/vault-relay
  vault-relay mailbox backup /backup/mailbox.db --mailbox /var/lib/vault-relay
""",
    # Options may also be given before the subcommand.
    arguments=(
        argument("--mailbox", help=SUPPRESS),
        argument("--mailbox-key", help=SUPPRESS),
        argument("--json", action="store_true", help=SUPPRESS),
    ),
    subcommands={
        "usage": _subcommand(
            "Print how much the mailbox holds, and its state.",
            "Sizes of messages include what each costs in the file.",
            argument("--json", action="store_true", default=SUPPRESS, help="Print a JSON object."),
        ),
        "check": _subcommand(
            "Read the whole mailbox, and report damage.",
            "A running relay does so daily. A damaged mailbox is turned off: restore a backup, or "
            "move the folder away.",
        ),
        "backup": _subcommand(
            "Copy the mailbox into a new file.",
            """
The relay can keep running. It writes the new file itself, so its user needs write access to the
target folder. To restore it, stop the relay, remove mailbox.db, mailbox.db-wal and mailbox.db-shm
from the folder of the mailbox, and put the file there as mailbox.db. The key is not in it: keep a
copy elsewhere.
""",
            argument("file", metavar="FILE", help="The new file."),
        ),
        "erase": _subcommand(
            "Erase all messages of a channel.",
            """
The channel is named by its pseudonym in the log of today, and one of its devices must be
connected: the mailbox does not know who a channel is. Connected devices learn that messages are
gone. Backups and snapshots still have them.
""",
            argument(
                "channel", metavar="CHANNEL", help="The pseudonym in the log, such as c-8m3k1z."
            ),
        ),
        "trust-clock": _subcommand(
            "Believe the clock of the system at once.",
            """
Messages expire by a clock that follows the system's only if that is less than a day off, or has
gone on evenly for a day. If the system's clock was wrong and is right now, this ends the wait.
""",
        ),
    },
)


def main(arguments: list[str]) -> int:
    """Run the subcommand; return 0, 1 if it fails, 2 for invalid arguments."""
    found = PARSER.read(arguments)
    folder = found.mailbox or os.environ.get("RELAY_MAILBOX", "")
    if not folder:
        stop_with("no mailbox is given; set --mailbox or RELAY_MAILBOX to its folder")
    key = found.mailbox_key or os.environ.get("RELAY_MAILBOX_KEY", "")
    try:
        return _run(found, Mailbox(Path(folder), Path(key) if key else None))
    except NoMailbox as error:
        stop_with(error)
    except Failed as error:
        print_error(f"vault-relay: {error}")
        return _FAILED


def _run(found: Namespace, mailbox: Mailbox) -> int:
    match found.subcommand:
        case "usage":
            usage = mailbox.usage()
            print_result(json.dumps(usage, indent=2) if found.json else _lines(usage))
            return 0 if usage.get("state") in ("open", "closed") else _FAILED
        case "check":
            mailbox.act("check")
            print_result("The mailbox is undamaged.")
        case "backup":
            path = Path(found.file).absolute()
            mailbox.act("backup", str(path))
            print_result(f"Wrote {path}. The key of the mailbox is not in it.")
        case "erase":
            is_empty = mailbox.act("erase", found.channel).get("was_empty")
            print_result("The channel had no messages." if is_empty else "Erased the channel.")
        case _:
            mailbox.act("trust-clock")
            print_result("Messages expire by the clock of the system from now on.")
    return 0


def _lines(usage: dict[str, Any]) -> str:
    limit, expiry = usage.get("limit_bytes"), usage.get("next_expiry")
    fault = f": {usage['fault']}" if usage.get("fault") else ""
    rows = {
        "state": printable(f"{usage.get('state')}{fault}"),
        "messages": f"{number(usage['items'])} in {number(usage['channels'])} channels",
        "size": size(usage["bytes"])
        + (f" of at most {size(limit)}" if isinstance(limit, int) else ""),
        "file": size(usage["file_bytes"]),
        "next expiry": f"{_utc(expiry)} UTC" if isinstance(expiry, int) else "-",
    }
    if usage["damaged"]:
        rows["damaged"] = f"{number(usage['damaged'])} messages, which devices do not get"
    return "\n".join(f"{head:<13}{text}" for head, text in rows.items())


def _utc(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"
