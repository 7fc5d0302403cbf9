"""Protocol 3: what the bytes between a device and the relay mean. No I/O here.

The whole conversation::

    device -> GET / with Upgrade: websocket, X-VaultMesh-Protocol: 3      request, upgrade
    relay  -> 101, or a Refusal: HTTP status and a JSON body              refusal
    relay  -> {"type":"challenge", nonce}                                 control
    device -> {"type":"hello", channel, device, proof}                    control, proof
    relay  -> {"type":"welcome", session, peers, limits}                  control
    relay  -> {"type":"joined"|"left", session}  whenever a peer does     control
    device -> DATA to a peer or to everyone; the peers get the same bytes data
    relay  -> NACK for what did not reach a peer                          data
    either -> close with a code and a slug                                close_codes

Control messages are WebSocket text, data messages are WebSocket binary.

With a mailbox, which device and relay agree on in `hello` and `welcome`::

    relay  -> {"type":"mailbox", state}, ITEM of what was stored          control, mailbox
    device -> PUT; the relay answers STORED, or a NACK from no session    mailbox
    device -> {"type":"erase"}, answered by {"type":"erased"}             control
"""

VERSION = 3
"""The protocol version of this package."""
