"""AccessValues: the values of the options that say who may use the relay."""

from collections.abc import Callable, Mapping, Sized
from typing import TypeVar

from vaultrelay.certificates.plain_file import read_file, why_unreadable
from vaultrelay.config.sources import BadOption, Given
from vaultrelay.policy import limits
from vaultrelay.policy.access import Tokens
from vaultrelay.policy.access_lists import BadLine, read_channels, read_tokens
from vaultrelay.policy.networks import Networks
from vaultrelay.policy.origins import Origins
from vaultrelay.policy.proxies import TrustedProxies

_Listed = TypeVar("_Listed", bound=Sized)


class AccessValues:
    """Reads the options `given`. Each method raises BadOption for a value that cannot be used.

    A list that a running relay finds empty lets nobody in; `at_start` it is a mistake.
    """

    def __init__(self, given: Mapping[str, Given], at_start: bool) -> None:
        self._given = given
        self._at_start = at_start

    def tokens(self) -> Tokens | None:
        empty = "holds no token, so nobody could come in. Make one: vault-relay token new"
        return self._list("access-token-file", read_tokens, empty)

    def channels(self) -> frozenset[bytes] | None:
        return self._list("allow-channels", read_channels, "holds no channel, so nobody could join")

    def allowed(self) -> Networks | None:
        given = self._given.get("allow-from")
        if given is None:
            return None
        if not given.values and self._at_start:
            raise BadOption(f"{given.origin}: allows nobody; leave it out to allow everybody")
        return Networks.read(self._texts("allow-from", Networks.read))

    def denied(self) -> Networks:
        return Networks.read(self._texts("deny-from", Networks.read))

    def origins(self) -> Origins | None:
        """Those of web pages; none where addresses are restricted and origins are not named."""
        if "allow-origin" not in self._given and "allow-from" not in self._given:
            return None
        return Origins.read(self._texts("allow-origin", Origins.read))

    def trusted_proxies(self) -> tuple[str, ...]:
        return self._texts("trusted-proxy", TrustedProxies.read)

    def _texts(self, name: str, check: Callable[[list[str]], object]) -> tuple[str, ...]:
        """The values of an option, each of which stands the check."""
        given = self._given.get(name)
        if given is None:
            return ()
        if len(given.values) > limits.MOST_NETWORKS:
            what = "origins" if name == "allow-origin" else "networks"
            raise BadOption(f"{given.origin}: more than {limits.MOST_NETWORKS} {what}")
        for text in given.values:
            try:
                check([text])
            except ValueError as error:
                raise given.only(text).wrong(str(error)) from None
        return given.values

    def _list(self, name: str, read: Callable[[str], _Listed], empty: str) -> _Listed | None:
        """What a file lists that an option names, one to a line."""
        given = self._given.get(name)
        if given is None:
            return None
        path = given.path
        try:
            listed = read(read_file(path).decode("utf-8-sig"))
        except OSError as error:
            raise given.refuse(f"cannot be read: {why_unreadable(path, error)}") from None
        except UnicodeDecodeError:
            raise given.refuse("is not UTF-8 text") from None
        except BadLine as error:
            raise given.refuse(str(error)) from None
        except ValueError:
            raise given.refuse("is not a file name") from None
        if not listed and self._at_start:
            raise given.refuse(empty)
        return listed
