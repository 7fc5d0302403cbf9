"""``vault-relay haproxy``: the configuration of HAProxy in front of several relays."""

import shlex

from vaultrelay.app.process import stop_with
from vaultrelay.app.stdio import print_result
from vaultrelay.commands.haproxy_cfg.configuration import configuration
from vaultrelay.commands.haproxy_cfg.options import USAGE, HelpAsked, read_options
from vaultrelay.commands.haproxy_cfg.servers import BadUsage


def main(arguments: list[str]) -> int:
    """Print the configuration; return 0, or 2 for a bad command line."""
    try:
        cluster = read_options(arguments)
    except HelpAsked:
        print(USAGE, end="")
        return 0
    except BadUsage as error:
        stop_with(f"{error}; see vault-relay haproxy --help")
    command = shlex.join(["vault-relay", "haproxy", *arguments])
    print_result(configuration(cluster, command), end="")
    return 0
