"""PageTurns: which stream reads a page of the store next."""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial

from vaultrelay.broker.outbox import Clock
from vaultrelay.mailbox.device_stream import DeviceStream
from vaultrelay.mailbox.interfaces import StoreThread
from vaultrelay.policy.ledger import Ledger
from vaultrelay.policy.limits.mailbox import MAX_PAGES
from vaultrelay.store.store import Page, Refused


class PageTurns:
    """Reads one page after the other for streams, in turn: few at once, and none while memory is
    short. `on_page` gets each page, also of a stream that was closed meanwhile."""

    def __init__(
        self,
        clerk: StoreThread,
        clock: Clock,
        ledger: Ledger,
        on_page: Callable[[DeviceStream, Page | Refused], None],
    ) -> None:
        self._clerk = clerk
        self._clock = clock
        self._ledger = ledger
        self._on_page = on_page
        self._waiting: OrderedDict[DeviceStream, None] = OrderedDict()
        self._under_way = 0

    def add(self, stream: DeviceStream) -> None:
        """Read a page for a stream in its turn."""
        self._waiting[stream] = None
        self._read()

    def remove(self, stream: DeviceStream) -> None:
        """Read nothing for a stream."""
        self._waiting.pop(stream, None)

    def _read(self) -> None:
        while self._waiting and self._under_way < MAX_PAGES:
            # Before each page, as the ones before it may have taken the memory.
            if self._ledger.is_pressed:
                self._ledger.call_when_freed(self._memory_freed)
                return
            stream, _ = self._waiting.popitem(last=False)
            self._under_way += 1
            self._clerk.read(stream.channel, stream.cursor, partial(self._page_read, stream))

    def _page_read(self, stream: DeviceStream, page: Page | Refused) -> None:
        self._under_way -= 1
        try:
            self._on_page(stream, page)
        finally:
            self._read()

    def _memory_freed(self) -> None:
        # Called in the middle of a change of the ledger.
        self._clock.callLater(0, self._read)
