"""Adapter: the client as the cases see it: commands, answers, and what it supports."""

from typing import Any, Protocol

from vaultrelay.conformance.case import PLATFORMS
from vaultrelay.conformance.failure import as_json, shown
from vaultrelay.conformance.transcript import Transcript

VERSION = 1
"""Of the protocol between kit and adapter."""


class AdapterFault(Exception):
    """The adapter has ended, wrote something else than one JSON object a line, or is too slow."""


class Driver(Protocol):
    """What carries commands to an adapter: a process, or a test."""

    async def start(self) -> dict[str, Any]:
        """Return the adapter's description of its client. Raises AdapterFault."""

    async def ask(self, command: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a command. Raises AdapterFault."""

    def new_case(self) -> None:
        """The next case begins."""

    async def stop(self) -> None:
        """End the adapter."""


class Adapter:
    """A started adapter; `about` is the description of its client."""

    def __init__(self, driver: Driver, about: dict[str, Any]) -> None:
        self._driver = driver
        self._about = about
        self._transcript: Transcript | None = None
        self.stop = driver.stop

    @classmethod
    async def start(cls, driver: Driver) -> "Adapter":
        """Return the adapter behind a driver. Raises AdapterFault."""
        about = await driver.start()
        if about.get("adapter") != VERSION:
            raise AdapterFault(
                shown(f'the first line has no "adapter": {VERSION}: {as_json(about)}')
            )
        adapter = cls(driver, about)
        if adapter.platform not in PLATFORMS:
            # Otherwise no case would apply, and the run would pass.
            raise AdapterFault(
                f'the "platform" is not one of {", ".join(PLATFORMS)}: {shown(adapter.platform)}'
            )
        return adapter

    @property
    def supports(self) -> frozenset[str]:
        """What the client can do beyond the minimum."""
        listed = self._about.get("supports")
        return frozenset(map(str, listed)) if isinstance(listed, list) else frozenset()

    @property
    def platform(self) -> str:
        """native, browser or phone."""
        return str(self._about.get("platform", "native"))

    @property
    def client(self) -> str:
        """Name and version of the client."""
        return shown(str(self._about.get("client", "?")))

    async def ask(self, do: str, **fields: object) -> dict[str, Any]:
        """Send a command, and return its answer. Raises AdapterFault."""
        command = {"do": do, **fields}
        if self._transcript is None:
            return await self._driver.ask(command)
        self._transcript.command(command)
        answer = await self._driver.ask(command)
        self._transcript.answer(command, answer)
        return answer

    def new_case(self, transcript: Transcript) -> None:
        """The next case begins; commands and answers are added to its transcript."""
        self._transcript = transcript
        self._driver.new_case()
