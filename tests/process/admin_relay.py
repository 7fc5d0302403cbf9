"""A relay process with an admin endpoint."""

import re
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client.parser import text_string_to_metric_families

from tests.process.processes import RunningRelay, read_line, running_relay

LOCAL = "interface=127.0.0.1"


@contextmanager
def relay_with_admin(*arguments: str) -> Iterator[tuple[RunningRelay, str]]:
    """A relay, and the URL of its admin endpoint."""
    with running_relay("--admin", f"tcp:0:{LOCAL}", *arguments) as relay:
        assert relay.process.stderr is not None
        found = None
        while found is None:
            line = read_line(relay.process.stderr)
            assert line, "it ended"
            found = re.search(r"Status page and metrics: .*\(port (\d+) ", line)
        yield relay, f"http://127.0.0.1:{found[1]}"


def scrape(url: str) -> dict[str, float]:
    """All values by name and labels."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=20) as answer:  # noqa: S310  http
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        text = answer.read().decode()
    return {
        " ".join([sample.name.removeprefix("vaultrelay_"), *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
