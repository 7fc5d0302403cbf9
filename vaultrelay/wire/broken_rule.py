"""The rules of the protocol that a device can break: a slug for its author, a sentence for the log.

The slug goes into the close reason, as in ``bad_message;rule=nonce_length``. Neither slug nor
sentence repeats a text of the peer.
"""

from enum import Enum
from typing import Self


class Rule(Enum):
    """A rule that is not about one field of a control message."""

    CONTROL_SIZE = "control_size", "a control message is larger than 4096 bytes"
    JSON = "json", "a control message is not JSON in UTF-8"
    OBJECT = "object", "a control message is not a JSON object"
    DUPLICATE_NAME = "duplicate_name", "a name appears twice in one JSON object"
    UNKNOWN_TYPE = "unknown_type", "the type is not one that a device can send"
    AUDIENCE_CHARACTERS = "audience_characters", "the audience is empty or not printable ASCII"
    DATA_BEFORE_WELCOME = "data_before_welcome", "a data message came before the welcome"
    KEEPALIVE_BEFORE_WELCOME = "keepalive_before_welcome", "a keepalive came before the welcome"
    SECOND_HELLO = "second_hello", "a second hello came"
    OTHER_CHANNEL = "other_channel", "the hello names a different channel than the upgrade"
    FRAGMENTS = "fragments", "a message has more than 1024 fragments"
    DATA_SIZE = "data_size", "a data message is shorter than its header"
    KIND = "kind", "the kind of a data message is not DATA"
    FLAGS = "flags", "the flags of a data message are not 0"
    REASON = "reason", "the reason of a data message is not 0"
    FROM = "from", "a data message is not from the session of its connection"
    TO = "to", "a data message is to its own sender or to no session"
    ITEM_ID = "item_id", "the item id of a PUT is all zero"
    CHANNEL_KEY = "channel_key", "the channel is a key for which any client can sign"
    SIGNATURE = "signature", "the signature does not verify"
    AUDIENCE_SPELLING = "audience_spelling", "the audience is not in its canonical spelling"
    OTHER_AUDIENCE = "other_audience", "the device dialled a name that is not this relay's"
    NO_HELLO = "no_hello", "no hello arrived"
    PARTIAL_HELLO = "partial_hello", "the hello was not completed"
    UNREAD = "unread", "the device does not read what the relay sends"
    PARTIAL_MESSAGE = "partial_message", "a message was not completed"

    def __init__(self, slug: str, sentence: str) -> None:
        self.slug = slug
        self.sentence = sentence


class FieldRule(Enum):
    """The faults of a single field; the slug is the field's name, ``_``, and one of these."""

    MISSING = "missing"
    TYPE = "type"
    LENGTH = "length"
    BASE64URL = "base64url"


class BrokenRule(ValueError):
    """A message that breaks a rule; `sentence` may be more specific than the rule's own."""

    def __init__(self, slug: str, sentence: str) -> None:
        super().__init__(sentence)
        self.slug = slug
        self.sentence = sentence

    @classmethod
    def of(cls, rule: Rule) -> Self:
        """Return the error for a rule with the rule's own sentence."""
        return cls(rule.slug, rule.sentence)
