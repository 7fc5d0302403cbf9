"""The metrics of the mailbox, which a relay without one does not have."""

from collections.abc import Callable

from vaultrelay.observe.relay_snapshot import MailboxSnapshot, RelaySnapshot
from vaultrelay.web.metrics import by_label
from vaultrelay.web.metrics_format import Metric, Samples
from vaultrelay.wire.control.mailbox import Gap
from vaultrelay.wire.mailbox import PutReason

_Read = Callable[[RelaySnapshot], Samples]
_RESULTS = ("stored", "again", *(reason.name.lower() for reason in PutReason))


def _with(read: Callable[[MailboxSnapshot], Samples]) -> _Read:
    return lambda metrics: () if metrics.mailbox is None else read(metrics.mailbox)


def _one(value: Callable[[MailboxSnapshot], float | None]) -> _Read:
    return _with(lambda mailbox: [((), value(mailbox))])


MAILBOX_METRICS = (
    Metric(
        "vaultrelay_mailbox_up",
        "gauge",
        "1 while the mailbox stores messages, else 0: full, away or off.",
        _one(lambda mailbox: int(mailbox.state == "open")),
    ),
    Metric(
        "vaultrelay_mailbox_items",
        "gauge",
        "Stored messages.",
        _one(lambda mailbox: mailbox.items),
    ),
    Metric(
        "vaultrelay_mailbox_bytes",
        "gauge",
        "Size of the stored messages, with what each message and each channel costs in the file.",
        _one(lambda mailbox: mailbox.bytes),
    ),
    Metric(
        "vaultrelay_mailbox_limit_bytes",
        "gauge",
        "Limit of that size: --mailbox-bytes.",
        _one(lambda mailbox: mailbox.limit_bytes),
    ),
    Metric(
        "vaultrelay_mailbox_file_bytes",
        "gauge",
        "Size of the file, with its write-ahead log.",
        _one(lambda mailbox: mailbox.file_bytes),
    ),
    Metric(
        "vaultrelay_mailbox_waiting_bytes",
        "gauge",
        "Size of the messages that wait to be stored.",
        _one(lambda mailbox: mailbox.waiting_bytes),
    ),
    Metric(
        "vaultrelay_mailbox_puts_total",
        "counter",
        "Messages to be stored, by result: stored; again (it was stored already); or the reason of "
        "the refusal.",
        _with(lambda mailbox: by_label("result", mailbox.puts, _RESULTS)),
    ),
    Metric(
        "vaultrelay_mailbox_delivered_total",
        "counter",
        "Messages sent to devices: live, as they were stored, or from the store.",
        _with(
            lambda mailbox: [
                ((("how", "live"),), mailbox.delivered_live),
                ((("how", "replay"),), mailbox.delivered_replay),
            ]
        ),
    ),
    Metric(
        "vaultrelay_mailbox_expired_total",
        "counter",
        "Messages that have expired since the store was opened. Whether all devices had them is "
        "not known.",
        _one(lambda mailbox: mailbox.expired),
    ),
    Metric(
        "vaultrelay_mailbox_gaps_total",
        "counter",
        "Devices that were told that they missed messages. gone: deleted before they came; if this "
        "grows, --mailbox-retention is too short. unknown: the mailbox was restored or replaced, "
        "or the device was away for very long.",
        _with(lambda mailbox: by_label("gap", mailbox.gaps, Gap)),
    ),
    Metric(
        "vaultrelay_mailbox_commits_total",
        "counter",
        "Transactions of the store.",
        _one(lambda mailbox: mailbox.commits),
    ),
    Metric(
        "vaultrelay_mailbox_commit_seconds_total",
        "counter",
        "Seconds that they took: a slow disk shows here first.",
        _one(lambda mailbox: mailbox.commit_seconds),
    ),
)
