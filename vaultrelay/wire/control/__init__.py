"""Control messages: one compact JSON object in a WebSocket text message each.

Both sides ignore unknown fields, so that both can be extended. A device ignores unknown types; the
relay refuses them.
"""

CONTROL_BYTES = 4096
"""The largest control message in either direction but `welcome`, which lists every peer."""
WORD_CHARS = 64
"""Of a short text in a control message: a type, a reason, the name of a program."""
