"""Service links: variables that Kubernetes sets in a pod for each service, by the service's name.

A service named "relay" sets RELAY_PORT=tcp://10.96.12.7:8080 and six more, which are not options.
The health check imports this, and must start at once: it needs little of the standard library.
"""

import re
from collections.abc import Mapping

_PREFIX = r"RELAY(?:_[A-Z0-9_]+)?"
_URL = r"(?:tcp|udp|sctp)://\S+"
_PORT = r"_PORT_[0-9]+_(?:TCP|UDP|SCTP)"
_ADDRESS = r"[0-9A-Fa-f:.]+"
_NUMBER = r"[0-9]{1,5}"
_FORMS = (
    (r"_SERVICE_HOST", _ADDRESS),
    (r"_SERVICE_PORT(?:_[A-Z0-9_]+)?", _NUMBER),
    (rf"_PORT|{_PORT}", _URL),
    (rf"{_PORT}_PROTO", r"tcp|udp|sctp"),
    (rf"{_PORT}_PORT", _NUMBER),
    (rf"{_PORT}_ADDR", _ADDRESS),
    # Those of Docker's --link have these as well.
    (r"_NAME", r"/\S+/\S+"),
    (r"_ENV_\w+", r"(?s:.*)"),
)
_LINKS = tuple(
    (re.compile(f"{_PREFIX}(?:{name})"), re.compile(f"(?:{value})")) for name, value in _FORMS
)


def is_service_link(variable: str, value: str) -> bool:
    """Return whether name and value have the form of a service link."""
    return any(name.fullmatch(variable) and form.fullmatch(value.strip()) for name, form in _LINKS)


def service_links(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the variables of services with names that begin with "relay", sorted."""
    return tuple(
        sorted(name for name, value in environment.items() if is_service_link(name, value))
    )
