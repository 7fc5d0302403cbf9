"""Files of options that are large, or that cannot be read, while messages pass."""

import asyncio
import os
import secrets
import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

from benchmarks import machine
from benchmarks.trials import hanging_fs
from benchmarks.trials.device import TOKEN, Device
from benchmarks.trials.helper import Helper, Link
from benchmarks.trials.honest import PhaseResult, seed_of, talk
from benchmarks.trials.stage import Terms, report
from benchmarks.trials.stream import Target
from tests.authority import issue, write_pair
from tests.process.processes import running_relay
from vaultrelay.policy.limits.access import MAX_CHANNELS_LISTED, MAX_TOKENS
from vaultrelay.wire import base64url
from vaultrelay.wire.proof import CHANNEL_BYTES, channel_of

_PAIRS = 4
_CROWD = 2000
_JOINS_AT_ONCE = 50
_CERTIFICATES = 30
_TICK_SECONDS = 0.02
_STEP_SECONDS = 5.0
"""More than the relay takes to see a change, and to read again."""
_HANG_SECONDS = 5.0
_PAUSE_SECONDS = 3.0


@dataclass
class Options:
    """The files of a relay: links, which lead to plain files at first."""

    folder: Path

    def __post_init__(self) -> None:
        self.plain, self.mount = self.folder / "plain", self.folder / "mount"
        self.pairs = self.folder / "pairs"
        for folder in (self.plain, self.mount, self.pairs):
            folder.mkdir()
        self.renew(0)
        for write in (self.tokens, self.channels, self.toml):
            write()
        for link in ("tokens", "channels", "options.toml", "key.pem"):
            self.lead(link, self.plain)

    def lead(self, name: str, folder: Path) -> None:
        """Let a link lead to the file of this name in another folder."""
        link = self._link(name)
        new = link.with_suffix(".new")
        new.symlink_to(folder / name)
        new.replace(link)

    def _link(self, name: str) -> Path:
        return self.pairs / "0" / "privkey.pem" if name == "key.pem" else self.folder / name

    def renew(self, number: int) -> None:
        """A new certificate with its key."""
        folder = self.pairs / str(number)
        folder.mkdir(exist_ok=True)
        name = f"relay{number}.test" if number else "relay.test"
        _, key = write_pair(folder, issue([name]))
        if number == 0:
            (self.plain / "key.pem").write_bytes(key.read_bytes())

    def add_pairs(self) -> None:
        """As many pairs as a large installation has."""
        for number in range(1, _CERTIFICATES):
            self.renew(number)

    def remove_pairs(self) -> None:
        """All but the first."""
        for number in range(1, _CERTIFICATES):
            shutil.rmtree(self.pairs / str(number))

    def tokens(self) -> None:
        """As many tokens as there may be, other ones each time."""
        lines = [TOKEN, *(secrets.token_urlsafe(24) for _ in range(MAX_TOKENS - 1))]
        self._write("tokens", "\n".join(lines))

    def channels(self, devices: int = _PAIRS + _CROWD) -> None:
        """As many channels as there may be, with those of so many seeds."""
        own = [channel_of(seed_of(number)) for number in range(devices)]
        others = MAX_CHANNELS_LISTED - devices
        own += [secrets.token_bytes(CHANNEL_BYTES) for _ in range(others)]
        self._write("channels", "\n".join(map(base64url.encode, own)))

    def drop_crowd(self) -> None:
        """The same without the channels of the crowd."""
        self.channels(_PAIRS)

    def toml(self) -> None:
        """The file of options, with another comment each time."""
        lines = [
            f"# {secrets.token_hex(8)}",
            f'access-token-file = "{self.folder}/tokens"',
            f'allow-channels = "{self.folder}/channels"',
        ]
        self._write("options.toml", "\n".join(lines))

    def _write(self, name: str, text: str) -> None:
        new = self.plain / f"{name}.new"
        new.write_text(text + "\n")
        new.replace(self.plain / name)


BeginPhase = Callable[[str], None]


async def stay(link: Link, target: Target) -> None:
    """A crowd of devices, each in a channel of its own; reports the closes in the end."""
    devices = [Device(target, seed_of(_PAIRS + number), b"device-s") for number in range(_CROWD)]
    for at in range(0, _CROWD, _JOINS_AT_ONCE):
        await asyncio.gather(*(each.join() for each in devices[at : at + _JOINS_AT_ONCE]))
    link.report("ready")
    await link.order()
    link.report(Counter(each.ended.result() for each in devices if each.ended.done()))


async def hanging_files(terms: Terms) -> None:
    """The longest delay of a message while each kind of file changes, or cannot be read."""
    with ExitStack() as stack:
        options = Options(Path(stack.enter_context(TemporaryDirectory())))
        listen = f"tls:{options.pairs}:port=0" if terms.tls else "tcp:0"
        listen += ":interface=127.0.0.1"
        flags = ["--listen", listen, "--config", f"{options.folder}/options.toml"]
        flags += ["--max-connections", str(2 * _CROWD)]
        with machine.on_the_servers_core():
            relay = stack.enter_context(running_relay(*flags, **terms.variables))
        if (log := relay.process.stderr) is not None:
            # A full pipe would stop the relay.
            Thread(target=log.read, daemon=True).start()
        target = Target(relay.port, terms.tls)
        contents = {each.name: each.read_bytes() for each in options.plain.iterdir()}
        stack.callback(hanging_fs.unmount, options.mount)
        async with AsyncExitStack() as helpers:
            honest = await helpers.enter_async_context(
                Helper(talk, target, _PAIRS, ("1 KiB",), _TICK_SECONDS)
            )
            files = await helpers.enter_async_context(
                Helper(hanging_fs.serve, options.mount, contents)
            )
            crowd = await helpers.enter_async_context(Helper(stay, target))
            await _change(options, honest.order, terms.tls)
            if not files.ready:
                await _hang(options, honest.order, files, terms.tls)
            phases, closes, _ = await honest.ask(None)
            crowd_closes = await crowd.ask(None)
    shown = "; ".join(f"{name} {_longest(seen)}" for name, seen in phases.items())
    report(
        f"hanging files, {terms.scheme}, longest delay of a message: {shown}; closes: "
        f"{dict(closes) or 'none'}, of the crowd {dict(crowd_closes) or 'none'}"
        f"{files.ready and f'; not tried: {files.ready}'}"
    )


def _longest(seen: PhaseResult) -> str:
    if not seen.sent:
        return "none passed"
    lost = f" and {seen.lost} lost" if seen.lost else ""
    return f"{max(seen.seconds['1 KiB'], default=0) * 1e3:.0f} ms{lost}"


async def _change(options: Options, begin: BeginPhase, is_tls: bool) -> None:
    begin("without a change")
    await asyncio.sleep(_STEP_SECONDS)
    steps: dict[str, Callable[[], None]] = {
        f"{MAX_CHANNELS_LISTED} channels": options.channels,
        f"{MAX_TOKENS} tokens": options.tokens,
        "TOML": options.toml,
        f"{_CROWD} devices closed": options.drop_crowd,
    }
    if is_tls:
        steps[f"{_CERTIFICATES} pairs"] = options.add_pairs
        steps["one pair again"] = options.remove_pairs
    for name, write in steps.items():
        begin("")
        # In another thread, or the orders of this process would be late.
        await asyncio.to_thread(write)
        begin(name)
        await asyncio.sleep(_STEP_SECONDS)
    pipe = options.folder / "pipe"
    pipe.mkdir()
    os.mkfifo(pipe / "tokens")
    options.lead("tokens", pipe)
    begin("tokens on a named pipe")
    await asyncio.sleep(_STEP_SECONDS)
    options.lead("tokens", options.plain)


async def _hang(options: Options, begin: BeginPhase, files: Helper, is_tls: bool) -> None:
    """One file on a file system where all hangs, then each in turn where reads hang."""
    names = ["tokens", "channels", "options.toml", *(["key.pem"] if is_tls else [])]
    steps = [("all hangs", "tokens"), *(("reads hang", name) for name in names)]
    for mode, name in steps:
        begin("")
        await asyncio.sleep(_PAUSE_SECONDS)
        files.order(mode)
        options.lead(name, options.mount)
        begin(f"{name}, {mode} for {_HANG_SECONDS:.0f} s")
        await asyncio.sleep(_HANG_SECONDS)
        files.order("serve")
        options.lead(name, options.plain)
