"""``vault-relay haproxy``: the configuration of HAProxy in front of several relays."""

import shlex

from vaultrelay.app.standard_streams import print_result
from vaultrelay.commands.haproxy_cfg.configuration import configuration
from vaultrelay.commands.haproxy_cfg.options import PARSER, read_options

__all__ = ["PARSER", "main"]


def main(arguments: list[str]) -> int:
    """Print the configuration; return 0, or 2 for invalid arguments."""
    command = shlex.join(["vault-relay", "haproxy", *arguments])
    print_result(configuration(read_options(arguments), command), end="")
    return 0
