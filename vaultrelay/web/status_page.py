"""The status page: the relay's state for people, as one HTML page without scripts or images."""

import time
from collections.abc import Iterable, Mapping, Sequence

from twisted.internet.defer import Deferred
from twisted.web.template import Flattenable, Tag, tags

from vaultrelay.cluster.answer import NodeAnswer
from vaultrelay.observe.relay_snapshot import Expiry, RelaySnapshot
from vaultrelay.policy.limits.admin import REFRESH_SECONDS
from vaultrelay.policy.limits.diagnosis import CERTIFICATE_WARNING_DAYS
from vaultrelay.policy.operator_warning import OperatorWarning
from vaultrelay.policy.printable import printable
from vaultrelay.policy.refusal_reasons import REFUSED
from vaultrelay.web.html_page import HtmlPage, Part, template
from vaultrelay.web.options_section import options_list
from vaultrelay.web.plot import HISTORY_MINUTES, Plot, line_plot, shown_minutes
from vaultrelay.web.relays_section import relays_section
from vaultrelay.web.status_style import STYLE
from vaultrelay.web.units import DAY, brief, lasting, number, size
from vaultrelay.wire.close_codes import CloseCode

DOCUMENTATION = "https://vaultmesh.invalid/relay/docs"
"""The project's own URL of it, as in setup.cfg."""
PAGE = HtmlPage(STYLE)
_BODY = template(f"""<meta http-equiv="refresh" content="{REFRESH_SECONDS}"/>
<header>
<h1><t:slot name="name"/></h1>
<span><t:attr name="class">state <t:slot name="state"/></t:attr><t:slot name="state_text"/></span>
<p>Version <t:slot name="version"/> (<t:slot name="code"/>), up <t:slot name="uptime"/>. As of
<t:slot name="when"/> UTC; reloads every {REFRESH_SECONDS} seconds.</p>
</header>
<main>
<section t:render="warning_lists"><h2>Warnings</h2><ul class="warnings"><li t:render="warnings">
<t:attr name="class"><t:slot name="kind"/></t:attr><t:slot name="text"/>
<code><t:slot name="slug"/></code></li></ul></section>
<dl class="figures"><div t:render="numbers"><dt><t:slot name="title"/></dt>
<dd><t:slot name="value"/></dd><dd><t:slot name="context"/></dd></div></dl>
<t:slot name="relays"/>
<section><h2>The last <t:slot name="period"/></h2>
<div class="plots"><t:slot name="plots"/></div></section>
<div class="tables">
<section t:render="tables"><h2><t:slot name="title"/><small>since the start</small></h2>
<t:slot name="rows"/></section>
<section><h2>Certificates</h2><t:slot name="certificates"/></section>
</div>
<section class="options"><h2>Options in force</h2>
<p><a href="options">Show the options</a></p><t:slot name="options"/></section>
</main>
<footer>The same metrics for Prometheus: <a href="metrics">/metrics</a>. Their meaning, and
recommended alerts: <a href="{DOCUMENTATION}/monitoring.html">documentation</a>.<br/>
<t:slot name="builds"/></footer>
""")
_OPTIONS = template("""<header><h1><t:slot name="name"/></h1></header>
<main><section><h2>Options in force</h2><t:slot name="options"/></section></main>
<footer><a href="./">Status of the relay</a></footer>
""")
_STATES = {
    "works": ("Running", "#2a7a4b"),
    "notes": ("Running, with warnings", "#d08a00"),
    "urgent": ("Needs attention", "#c0392b"),
    "draining": ("Stopping", "#d08a00"),
}
"""The states of the relay: the text and the icon's colour."""
_UNDELIVERED = {
    "gone": "the receiver had left",
    "busy": "the receiver did not read them in time",
    "too_big": "too large for the receiver's relay",
    "rate": "the sender exceeded its rate limit",
    "not_allowed": "the operator does not allow it",
    "draining": "the relay was stopping and had closed the receiver",
}
_LEFT = {
    "closed": "The device closed the connection.",
    "lost": "The connection was lost.",
}
_WAITS = {
    "memory": "memory was short, and their channel or network held more than its share, or no room "
    "was left",
    "core": "others wanted the core, and their network had used more than its share",
}
"""What devices waited for, by resource."""
_PLOTS = (
    Plot("joined", "Devices", number, 10),
    Plot("messages", "Messages", lambda rate: f"{number(rate)}/s", 10),
    Plot("bytes", "Data", lambda rate: f"{size(rate)}/s", 1000),
    Plot("undelivered", "Undelivered messages", lambda rate: f"{number(rate)}/s", 1),
    Plot("lag", "Longest delay of the event loop", brief, 0.01),
)


def status_page(
    metrics: RelaySnapshot,
    curves: Mapping[str, Sequence[float]],
    options: Mapping[str, object],
    others: Sequence[NodeAnswer] = (),
) -> Deferred[bytes]:
    """Return the complete page. `others` are the answers of the other relays."""
    state = _state(metrics)
    text, colour = _STATES[state]
    name = _name(metrics.status.node)
    minutes = shown_minutes(curves.values())
    body = Part(
        _BODY,
        name=name,
        state=state,
        state_text=text,
        version=metrics.builds["version"],
        code=metrics.status.code,
        uptime=lasting(metrics.status.uptime_seconds),
        when=time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(metrics.now)),
        warning_lists=[{}] if metrics.warnings else [],
        warnings=[_warning(each) for each in metrics.warnings],
        numbers=[
            {"title": title, "value": value, "context": context}
            for title, value, context in _numbers(metrics)
        ],
        relays=relays_section(metrics.status, others) if others else "",
        period="hour" if minutes == HISTORY_MINUTES else f"{minutes} minutes",
        plots=[line_plot(plot, curves[plot.curve], minutes) for plot in _PLOTS],
        tables=[{"title": title, "rows": rows} for title, rows in _tables(metrics)],
        certificates=_certificates(metrics),
        options=options_list(options),
        builds=", ".join(f"{name} {version}" for name, version in metrics.builds.items()),
    )
    return PAGE.make(f"{number(metrics.status.devices)} devices, {name}", body, colour=colour)


def options_page(node: str, options: Mapping[str, object]) -> Deferred[bytes]:
    """Return a page with the options in force, for narrow screens. It does not load itself anew."""
    body = Part(_OPTIONS, name=_name(node), options=options_list(options))
    return PAGE.make(f"Options in force, {_name(node)}", body)


def _name(node: str) -> str:
    return f"VaultMesh relay {node}".rstrip()


def _state(metrics: RelaySnapshot) -> str:
    if metrics.status.state == "draining":
        return "draining"
    if any(warning.is_urgent for warning in metrics.warnings):
        return "urgent"
    return "notes" if metrics.warnings else "works"


def _warning(warning: OperatorWarning) -> dict[str, str]:
    kind = "urgent" if warning.is_urgent else "remark"
    return {"kind": kind, "text": printable(warning.text), "slug": warning.slug}


def _numbers(metrics: RelaySnapshot) -> Iterable[tuple[str, str, str]]:
    """Yield title, value and context of each headline number."""
    status = metrics.status
    messages, data = number(status.messages_per_second), size(status.data_bytes_per_second)
    waiting = {
        resource: f"; waiting devices: {number(waits.now)}" if waits.now else ""
        for resource, waits in metrics.waits.items()
    }
    yield "Devices", number(status.devices), f"of at most {status.devices_limit}"
    yield "Channels", number(status.channels), f"{status.joins} joins in total"
    yield "Messages", f"{messages}/s", f"{number(status.messages)} in total"
    yield "Data", f"{data}/s", f"{size(status.data_bytes)} in total"
    yield "Pending connections", number(metrics.pending), f"and {metrics.unjoined} joining"
    yield (
        "Queued for devices",
        size(status.buffered_bytes),
        f"of at most {size(metrics.buffer_limit)}{waiting['memory']}",
    )
    yield (
        "Event loop",
        brief(status.lag_seconds),
        f"longest delay in a minute{waiting['core']}",
    )
    if status.memory_bytes is not None:
        files = f"{status.open_files} of {status.open_files_limit} files open"
        yield "Memory", size(status.memory_bytes), files


def _tables(metrics: RelaySnapshot) -> Iterable[tuple[str, Flattenable]]:
    """Yield title and content of each table of counts."""
    counters = metrics.counters
    named = {code.slug: f"{code.number} {code.slug}" for code in CloseCode}
    closed = {named.get(slug, slug): count for slug, count in counters.closed.items()}
    ends = {named[code.slug]: code.sentence for code in CloseCode} | _LEFT
    yield (
        "Undelivered messages",
        _table(counters.undelivered, _UNDELIVERED, "Every message was delivered."),
    )
    yield (
        "Refused connections",
        _table(counters.refused, REFUSED, "No connection was refused."),
    )
    yield "Ended sessions", _table({**counters.left, **closed}, ends, "No session has ended.")
    waits = {resource: each.total for resource, each in metrics.waits.items()}
    yield "Waits of devices", _table(waits, _WAITS, "No device had to wait.")
    if metrics.mailbox is not None:
        from vaultrelay.web.mailbox_section import mailbox_section

        yield "Mailbox", mailbox_section(metrics.mailbox)


def _table(counts: Mapping[str, int], texts: Mapping[str, str], nothing: str) -> Tag:
    """Return a row for each count above zero, the highest first."""
    found = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rows = [_row(texts.get(slug, ""), slug, count) for slug, count in found if count]
    return tags.table(*rows) if rows else tags.p(nothing)


def _row(text: str, slug: str, count: int) -> Tag:
    title = tags.th(text[:1].upper() + text[1:], " ", tags.code(slug))
    return tags.tr(title, tags.td(str(count), class_="count"))


def _certificates(metrics: RelaySnapshot) -> Tag:
    if not metrics.certificates:
        return tags.p("The relay serves no certificate.")
    return tags.table(*(_certificate(each, metrics.now) for each in metrics.certificates))


def _certificate(expiry: Expiry, now: float) -> Tag:
    days = int((expiry.ends - now) // DAY)
    left = f"{days} days left" if days >= 0 else "expired"
    kind = "count soon" if days <= CERTIFICATE_WARNING_DAYS else "count"
    ends = time.strftime("until %Y-%m-%d", time.gmtime(expiry.ends))
    return tags.tr(tags.th(expiry.name), tags.td(ends), tags.td(left, class_=kind))
