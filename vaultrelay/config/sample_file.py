"""A commented sample of the TOML file."""

import textwrap
from collections.abc import Iterable
from itertools import groupby

from vaultrelay.config.option import Option

_WIDTH = 80
_HEAD = """\
# relay.toml: the options of a VaultMesh relay, all commented out. Use it with
#
#     vault-relay config check --config relay.toml
#     vault-relay --config relay.toml
#
# If an option has no default, the value shown is an example. Each option is also a flag, such as
# --port, and a variable, such as RELAY_PORT; both override the file. The relay rereads the file
# when it changes, and on SIGHUP.
"""


def sample(options: Iterable[Option]) -> str:
    """Return a TOML file with each option as a comment, in groups."""
    # A file names no other file.
    in_file = (option for option in options if option.name != "config")
    return _HEAD + "".join(
        f"\n\n# {group}\n{''.join(map(_entry, members))}"
        for group, members in groupby(in_file, lambda option: option.group)
    )


def _entry(option: Option) -> str:
    words = " ".join(filter(None, (option.help, option.range_note, option.reload_note)))
    lines = textwrap.wrap(words, _WIDTH, break_on_hyphens=False)
    return "\n" + "".join(f"# {line}\n" for line in lines) + f"#{option.assignment}\n"
