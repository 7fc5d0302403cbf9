"""Chromium without a window, by its DevTools protocol: loads a page and tells what it did."""

import json
import shutil
import subprocess
import tempfile
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import ClientConnection, connect

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")
WAIT_SECONDS = 30
_SAYS_WHERE = "DevTools listening on "


class Tab:
    """One tab; everything that it asked for and complained of is kept."""

    def __init__(self, browser: ClientConnection) -> None:
        self._browser = browser
        self._id = 0
        self._session = ""
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._loaded = False
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        found = self._ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = found["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime", "Audits"):
            self._ask(f"{domain}.enable")

    def scripts(self, on: bool) -> None:
        """Whether pages may run scripts."""
        self._ask("Emulation.setScriptExecutionDisabled", value=not on)

    def look(self, width: int, dark: bool = False) -> None:
        """How wide the window is, and which colours its owner likes."""
        self._ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=800,
            deviceScaleFactor=1,
            mobile=False,
        )
        feature = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._ask("Emulation.setEmulatedMedia", features=[feature])

    def load(self, url: str) -> None:
        """Load a page, to its end."""
        self._loaded = False
        self._ask("Page.navigate", url=url)
        while not self._loaded:
            self._hear()

    def text(self) -> str:
        """What can be read on the page."""
        return str(self.value("document.body.innerText"))

    def value(self, script: str) -> Any:
        """What a script of the tester's own gives, which runs though the page may run none."""
        found = self._ask("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def picture(self) -> bytes:
        """The whole page as PNG."""
        found = self._ask("Page.captureScreenshot", captureBeyondViewport=True)
        return b64decode(found["data"])

    def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        self._id += 1
        asked: dict[str, Any] = {"id": self._id, "method": method, "params": params}
        if self._session:
            asked["sessionId"] = self._session
        self._browser.send(json.dumps(asked))
        while (said := self._hear()).get("id") != self._id:
            pass
        assert "error" not in said, (method, said["error"])
        answer: dict[str, Any] = said["result"]
        return answer

    def _hear(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self._browser.recv(WAIT_SECONDS))
        params = said.get("params", {})
        match said.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"])
            case "Page.loadEventFired":
                self._loaded = True
            case (
                "Log.entryAdded"
                | "Runtime.consoleAPICalled"
                | "Runtime.exceptionThrown"
                | "Audits.issueAdded"
                | "Network.loadingFailed"
            ):
                self.complaints.append(json.dumps(params))
        return said


@contextmanager
def tab() -> Iterator[Tab]:
    """A tab of a browser of its own, which ends with it."""
    assert PROGRAM is not None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = subprocess.Popen(
            [
                PROGRAM,
                "--headless",
                # As root, which tests in containers are, it has no sandbox.
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--remote-debugging-port=0",
                f"--user-data-dir={profile}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert browser.stderr is not None
            line = next(line for line in browser.stderr if line.startswith(_SAYS_WHERE))
            where = line.removeprefix(_SAYS_WHERE).strip()
            with connect(where, max_size=None, compression=None) as connection:
                yield Tab(connection)
        finally:
            browser.terminate()
            browser.communicate(timeout=WAIT_SECONDS)
