"""Client processes: none is kept busy by what the others do."""

import asyncio
import os
import resource
from collections.abc import Callable, Coroutine
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

_END_SECONDS = 10
Work = Callable[..., Coroutine[Any, Any, None]]


class Link:
    """The child's end of the pipe to its parent."""

    def __init__(self, pipe: "Connection[Any, Any]") -> None:
        self._pipe = pipe

    def report(self, result: object) -> None:
        """Send a result."""
        self._pipe.send(result)

    async def order(self) -> Any:
        """The next order, awaited without keeping the loop from its work."""
        loop = asyncio.get_running_loop()
        came = asyncio.Event()
        loop.add_reader(self._pipe.fileno(), came.set)
        await came.wait()
        loop.remove_reader(self._pipe.fileno())
        return self._pipe.recv()


class Helper:
    """A process that does some work; it reports once when it is ready, then on orders."""

    def __init__(self, work: Work, *arguments: object, nice: int = 0) -> None:
        spawned = get_context("spawn")
        self._ours, self._theirs = spawned.Pipe()
        self._process = spawned.Process(
            target=_run, args=(work, self._theirs, nice, arguments), daemon=True
        )

    async def __aenter__(self) -> "Helper":
        self._process.start()
        self._theirs.close()
        self.ready = await self.answer()
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self._process.join, 0.5)
        if self._process.is_alive():
            self._process.terminate()
            await asyncio.to_thread(self._process.join, _END_SECONDS)

    def order(self, words: object) -> None:
        """Give an order."""
        self._ours.send(words)

    async def answer(self) -> Any:
        """The next result. Raises EOFError if the process has failed."""
        return await asyncio.to_thread(self._ours.recv)

    async def ask(self, words: object) -> Any:
        """Give an order and return its result."""
        self.order(words)
        return await self.answer()


def _run(work: Work, pipe: "Connection[Any, Any]", nice: int, arguments: tuple[Any, ...]) -> None:
    os.nice(nice)
    _, maximum = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (maximum, maximum))
    asyncio.run(work(Link(pipe), *arguments))
