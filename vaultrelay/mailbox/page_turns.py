"""PageTurns: which stream reads a page of the store next."""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial

from vaultrelay.broker.outbox import Clock, Timer
from vaultrelay.mailbox.device_stream import DeviceStream
from vaultrelay.mailbox.interfaces import StoreThread
from vaultrelay.mailbox.mail_memory import MailMemory
from vaultrelay.policy.limits.mailbox import MAX_PAGES, PAGE_BYTES
from vaultrelay.store.store import Page, Refused


class PageTurns:
    """Reads pages for streams in turn, at most MAX_PAGES at a time. A stream that holds more than
    its share of memory is tried again later.

    `on_page` gets each page, even if the stream was closed meanwhile.
    """

    def __init__(
        self,
        clerk: StoreThread,
        clock: Clock,
        memory: MailMemory,
        on_page: Callable[[DeviceStream, Page | Refused], None],
    ) -> None:
        self._clerk = clerk
        self._clock = clock
        self._memory = memory
        self._on_page = on_page
        self._waiting: OrderedDict[DeviceStream, None] = OrderedDict()
        self._short: dict[DeviceStream, None] = {}
        """Streams that held more than their share, until the next attempt."""
        self._under_way = 0
        self._call: Timer | None = None
        """The next attempt for these."""

    def add(self, stream: DeviceStream) -> None:
        """Read a page for a stream in its turn."""
        self._waiting[stream] = None
        self._read()

    def remove(self, stream: DeviceStream) -> None:
        """Read nothing for a stream."""
        self._waiting.pop(stream, None)
        self._short.pop(stream, None)

    def _read(self) -> None:
        while self._waiting and self._under_way < MAX_PAGES:
            stream, _ = self._waiting.popitem(last=False)
            if self._memory.is_short(stream, PAGE_BYTES):
                self._short[stream] = None
                continue
            self._under_way += 1
            self._memory.reserve(stream, PAGE_BYTES)
            self._clerk.read(stream.channel, stream.cursor, partial(self._page_read, stream))
        if self._short and self._call is None:
            self._call = self._clock.callLater(self._memory.seconds, self._read_again)

    def _page_read(self, stream: DeviceStream, page: Page | Refused) -> None:
        self._under_way -= 1
        self._memory.release(PAGE_BYTES)
        try:
            self._on_page(stream, page)
        finally:
            self._read()

    def _read_again(self) -> None:
        self._call = None
        self._waiting.update(self._short)
        self._short.clear()
        self._read()
