"""The status page: the relay's state for people, as one HTML page without scripts or images."""

import time
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from vaultrelay.cluster.answer import NodeAnswer
from vaultrelay.logs import printable
from vaultrelay.observe.relay_metrics import RelayMetrics
from vaultrelay.policy.limits import CERTIFICATE_WARNING_DAYS, REFRESH_SECONDS
from vaultrelay.policy.refused import REFUSED
from vaultrelay.web.icon import icon_link
from vaultrelay.web.options_section import options_section
from vaultrelay.web.plot import HISTORY_MINUTES, Plot, line_plot, shown_minutes
from vaultrelay.web.relays_section import relays_section
from vaultrelay.web.status_json import latest, status_of
from vaultrelay.web.status_style import STYLE
from vaultrelay.web.units import brief, lasting, number, size
from vaultrelay.wire.close_codes import CloseCode

DOCUMENTATION = "https://vaultmesh.invalid/relay/docs"
"""The project's own URL of it, as in setup.cfg."""
_DAY = 86400
_PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="refresh" content="{refresh}">
<title>{title}</title>
{icon}
<style>{style}</style>
<header>
<h1>{name}</h1>
<span class="state {state}">{state_words}</span>
<p>Version {version}, up {uptime}. This page is of {when} UTC and loads itself anew every {refresh}
seconds.</p>
</header>
<main>
{findings}<dl class="figures">{headline}</dl>
{relays}<section><h2>The last {period}</h2><div class="plots">{plots}</div></section>
<div class="tables">
<section><h2>Undelivered messages<small>since the start</small></h2>{undelivered}</section>
<section><h2>Refused connections<small>since the start</small></h2>{refused}</section>
<section><h2>Sessions that ended<small>since the start</small></h2>{ended}</section>
<section><h2>Certificates</h2>{certificates}</section>
</div>
<section>{options}</section>
</main>
<footer>The same figures for Prometheus: <a href="metrics">/metrics</a>. What they mean, and which
alarms to set: <a href="{documentation}/monitoring.html">documentation</a>.<br>{builds}</footer>
</html>
"""
_STATES = {
    "works": ("Works", "#2a7a4b"),
    "notes": ("Works, with remarks", "#d08a00"),
    "urgent": ("Something is wrong", "#c0392b"),
    "draining": ("About to stop", "#d08a00"),
}
"""The states of the relay: the text and the icon's colour."""
_UNDELIVERED = {
    "gone": "the receiver had left",
    "busy": "the receiver did not take them in time",
    "too_big": "too large for the receiver's relay",
    "rate": "the sender was over its rate",
    "not_allowed": "the operator does not allow it",
    "draining": "the receiver was told to leave, as the relay stops",
}
_LEFT = {
    "closed": "The device said good-bye.",
    "lost": "The connection broke without a good-bye.",
}
_PLOTS = (
    Plot("joined", "Devices", number, 10),
    Plot("messages", "Messages", lambda rate: f"{number(rate)}/s", 10),
    Plot("bytes", "Data", lambda rate: f"{size(rate)}/s", 1000),
    Plot("undelivered", "Undelivered messages", lambda rate: f"{number(rate)}/s", 1),
    Plot("lag", "Worst delay of the event loop", brief, 0.01),
)

Row = tuple[str, str, str]
"""Sentence, slug, count."""


def status_page(
    figures: RelayMetrics,
    curves: Mapping[str, Sequence[float]],
    options: Mapping[str, object],
    others: Sequence[NodeAnswer] = (),
) -> str:
    """Return the complete page. `others` are the answers of the other relays."""
    state = _state(figures)
    words, colour = _STATES[state]
    name = f"VaultMesh relay {escape(figures.node)}".rstrip()
    minutes = shown_minutes(curves.values())
    return _PAGE.format(
        refresh=REFRESH_SECONDS,
        title=f"{number(figures.joined)} devices, {name}",
        name=name,
        icon=icon_link(colour),
        style=STYLE,
        state=state,
        state_words=words,
        version=escape(figures.builds["version"]),
        uptime=lasting(figures.uptime_seconds),
        when=time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(figures.now)),
        headline="".join(_headline(figures, curves)),
        relays=relays_section(status_of(figures, curves), others) if others else "",
        findings=_findings(figures),
        period="hour" if minutes == HISTORY_MINUTES else f"{minutes} minutes",
        plots="".join(line_plot(plot, curves[plot.curve], minutes) for plot in _PLOTS),
        undelivered=_table(
            _counted(figures.counters.undelivered, _UNDELIVERED), "Every message was delivered."
        ),
        refused=_table(_counted(figures.counters.refused, REFUSED), "No connection was refused."),
        ended=_table(_ended(figures), "No session has ended."),
        certificates=_certificates(figures),
        options=options_section(options),
        documentation=DOCUMENTATION,
        builds=escape(", ".join(f"{name} {version}" for name, version in figures.builds.items())),
    )


def _state(figures: RelayMetrics) -> str:
    if figures.draining:
        return "draining"
    if any(finding.is_urgent for finding in figures.findings):
        return "urgent"
    return "notes" if figures.findings else "works"


def _headline(figures: RelayMetrics, curves: Mapping[str, Sequence[float]]) -> Iterable[str]:
    process = figures.process
    now = latest(curves)
    yield _figure("Devices", number(figures.joined), f"of at most {figures.most_joined}")
    yield _figure("Channels", number(figures.channels), f"{figures.counters.joins} joins so far")
    yield _figure("Messages", f"{number(now['messages'])}/s", f"{number(figures.messages)} so far")
    yield _figure("Data", f"{size(now['bytes'])}/s", f"{size(figures.bytes)} so far")
    yield _figure(
        "At the front door", number(figures.waiting), f"and {figures.unjoined} about to join"
    )
    yield _figure(
        "Held for slow devices", size(figures.held), f"of at most {size(figures.most_held)}"
    )
    yield _figure("Event loop", brief(figures.lag_seconds), "worst delay in a minute")
    if process.resident_bytes is not None:
        files = f"{process.open_files} of {process.most_files} files open"
        yield _figure("Memory", size(process.resident_bytes), files)


def _figure(name: str, value: str, beside: str) -> str:
    return f"<div><dt>{name}</dt><dd>{value}</dd><dd>{beside}</dd></div>"


def _findings(figures: RelayMetrics) -> str:
    if not figures.findings:
        return ""
    items = (
        f'<li class="{"urgent" if each.is_urgent else "remark"}">{escape(printable(each.text))}'
        f"<code>{escape(each.slug)}</code></li>"
        for each in figures.findings
    )
    return f'<section><h2>Warnings</h2><ul class="findings">{"".join(items)}</ul></section>\n'


def _counted(counts: Mapping[str, int], words: Mapping[str, str]) -> list[Row]:
    """Return the rows with a count above zero, the most frequent first."""
    found = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [(words.get(slug, ""), slug, str(count)) for slug, count in found if count]


def _ended(figures: RelayMetrics) -> list[Row]:
    counters = figures.counters
    named = {code.slug: f"{code.number} {code.slug}" for code in CloseCode}
    closed = {named.get(slug, slug): count for slug, count in counters.closed.items()}
    words = {named[code.slug]: code.sentence for code in CloseCode}
    return _counted({**counters.left, **closed}, {**_LEFT, **words})


def _certificates(figures: RelayMetrics) -> str:
    rows = []
    for each in figures.certificates:
        days = int((each.ends - figures.now) // _DAY)
        left = f"{days} days left" if days >= 0 else "expired"
        soon = " soon" if days <= CERTIFICATE_WARNING_DAYS else ""
        ends = time.strftime("until %Y-%m-%d", time.gmtime(each.ends))
        rows.append(f'<tr><th>{escape(each.name)}<td>{ends}<td class="count{soon}">{left}')
    return f"<table>{''.join(rows)}</table>" if rows else "<p>The relay serves no certificate.</p>"


def _table(rows: Sequence[Row], nothing: str) -> str:
    if not rows:
        return f"<p>{nothing}</p>"
    lines = (
        f"<tr><th>{escape(words[:1].upper() + words[1:])} <code>{escape(slug)}</code>"
        f'<td class="count">{count}'
        for words, slug, count in rows
    )
    return f"<table>{''.join(lines)}</table>"
