"""Refused: an HTTP answer instead of a WebSocket, read within limits."""

from vaultrelay.wire.answer import SWITCHED, Answer, AnswerReader, NoAnswer, NotHttp
from vaultrelay.wire.json_object import BadControl, read_object

NO_RELAY = "no_relay"
NO_ANSWER = "no_answer"
"""The connection ended before an answer, as at a relay with too many connections."""
REFUSAL_BYTES = 64 * 1024
"""More than any relay or proxy sends in a refusal."""
_SHOWN_CHARS = 1000
_UPGRADE = {"Host": "relay", "Upgrade": "websocket", "Connection": "Upgrade"}
"""The fields of the request that decide how the answer is read."""


class Refused(Exception):
    """An HTTP answer, of the relay or a proxy before it, instead of a WebSocket.

    `error` is NO_RELAY if it is not a relay's, and NO_ANSWER if there was none; `answer` is None if
    it is not HTTP/1.1.
    """

    def __init__(self, status: int, error: str, detail: str, answer: Answer | None = None) -> None:
        super().__init__(f"{detail} ({status} {error})" if status else detail)
        self.status = status
        self.error = error
        self.detail = detail
        self.answer = answer


class UpgradeReader:
    """Reads the answer to an upgrade."""

    def __init__(self) -> None:
        self._reader = AnswerReader("/", _UPGRADE, REFUSAL_BYTES)

    def feed(self, data: bytes) -> bool:
        """Take received bytes, none at the end of the connection; return whether the upgrade is
        granted. Raises Refused if it is not."""
        try:
            answer = self._reader.feed(data)
        except NotHttp as error:
            raise Refused(0, NO_RELAY, str(error)) from None
        except NoAnswer:
            raise Refused(
                0,
                NO_ANSWER,
                "The connection ended without an answer. Does the URL begin with ws:// although "
                "the port speaks TLS, or with wss:// although it does not?",
            ) from None
        if answer is None or answer.status == SWITCHED:
            return answer is not None
        try:
            fields = read_object(answer.body)
            slug, detail = (fields.text(name, _SHOWN_CHARS) for name in ("error", "detail"))
        except BadControl:
            slug, detail = NO_RELAY, "A server that is not a VaultMesh relay answered."
        raise Refused(answer.status, slug, detail, answer)


def other_websocket() -> Refused:
    """Return the refusal for an upgrade that something else than a relay has granted."""
    return Refused(
        SWITCHED, NO_RELAY, "A WebSocket server answers here, but it is not a VaultMesh relay."
    )
