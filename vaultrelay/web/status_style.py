"""The style sheet of the status page: light and dark, for phones and wider screens."""

STYLE = """
:root { color-scheme: light dark; --paper: #f6f5f1; --card: #fff; --ink: #1d2430; --soft: #5f6875;
  --line: #e3e1da; --blue: #2463a6; --green: #2a7a4b; --amber: #9a6200; --red: #b3372c }
@media (prefers-color-scheme: dark) {
  :root { --paper: #12151a; --card: #1a1e25; --ink: #e4e7eb; --soft: #98a2af; --line: #2b313b;
    --blue: #74abe6; --green: #6cc493; --amber: #dfae5c; --red: #ee8a7f }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 0.9375rem/1.5 system-ui, -apple-system, "Segoe UI", sans-serif }
header, main, footer { max-width: 72rem; margin: 0 auto; padding: 0 1.25rem }
header { padding-top: 1.75rem; display: flex; flex-wrap: wrap; align-items: center;
  gap: .25rem .9rem }
h1 { font-size: 1.375rem; letter-spacing: -.01em; margin: 0 }
header p { flex-basis: 100%; margin: 0; color: var(--soft) }
.state { font-size: .8125rem; font-weight: 600; padding: .1rem .7rem; border-radius: 1rem;
  color: var(--green); border: 1px solid }
.state.notes, .state.draining { color: var(--amber) }
.state.urgent { color: var(--red) }
h2 { font-size: 1rem; margin: 2.25rem 0 .75rem }
h2 small { font-weight: 400; color: var(--soft); margin-left: .5rem }
section > p { margin: 0; color: var(--soft) }
dl.figures { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 1px;
  margin: 1.5rem 0 0; background: var(--line); border: 1px solid var(--line); border-radius: .6rem;
  overflow: hidden }
dl.figures div { background: var(--card); padding: .8rem 1rem; display: flex;
  flex-direction: column }
dl.figures dt { font-size: .8125rem; color: var(--soft) }
dl.figures dd { margin: 0; font-size: 1.5rem; line-height: 1.35; font-weight: 600;
  font-variant-numeric: tabular-nums; white-space: nowrap }
dl.figures dd + dd { font-size: .8125rem; font-weight: 400; color: var(--soft);
  white-space: normal }
ul.warnings { list-style: none; margin: 0; padding: 0; display: grid; gap: .6rem }
ul.warnings li { background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  border-left: .3rem solid var(--amber); padding: .7rem 1rem; overflow-wrap: anywhere }
ul.warnings li.urgent { border-left-color: var(--red) }
ul.warnings code { display: block; font-size: .8125rem; color: var(--soft) }
.plots { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: .9rem }
.plot { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  padding: .8rem 1rem .7rem; color: var(--blue) }
.plot.joined { grid-column: 1 / -1 }
.plot.undelivered { color: var(--red) }
.plot.lag { color: var(--amber) }
.plot figcaption { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem;
  color: var(--ink); margin-bottom: .9rem }
.plot b { font-weight: 600 }
.plot strong { font-variant-numeric: tabular-nums }
.plot small { color: var(--soft); margin-left: .4rem }
.frame { display: grid; grid-template-columns: 3.6rem minmax(0, 1fr); gap: .55rem .6rem }
.frame svg { display: block; width: 100%; height: 7.5rem; overflow: visible }
.heights, .times { display: flex; justify-content: space-between; color: var(--soft);
  font-size: .75rem; font-variant-numeric: tabular-nums; white-space: nowrap }
.heights { flex-direction: column; text-align: right }
.heights span { height: 0; line-height: 0 }
.times { grid-column: 2 }
.times span { width: 0; display: flex; justify-content: center }
.times span:first-child { justify-content: flex-start }
.times span:last-child { justify-content: flex-end }
path { vector-effect: non-scaling-stroke; fill: none; stroke-linejoin: round;
  stroke-linecap: round }
.grid { stroke: var(--line); stroke-width: 1 }
.line { stroke: currentColor; stroke-width: 1.75 }
.area { fill: currentColor; opacity: .1 }
.tables { columns: 2; column-gap: .9rem }
.tables section { break-inside: avoid; padding-top: 2.25rem }
.tables h2 { margin-top: 0 }
table { width: 100%; border-collapse: separate; border-spacing: 0; background: var(--card);
  border: 1px solid var(--line); border-radius: .6rem }
td, th { text-align: left; vertical-align: top; font-weight: 400; padding: .45rem 1rem;
  overflow-wrap: anywhere }
tr + tr > * { border-top: 1px solid var(--line) }
th code { display: block; font-size: .8125rem; color: var(--soft) }
td { color: var(--soft) }
td.count { text-align: right; color: var(--ink); font-variant-numeric: tabular-nums;
  white-space: nowrap; width: 1% }
td.soon { color: var(--red); font-weight: 600 }
table.relays td, table.relays th { padding: .45rem .6rem; font-variant-numeric: tabular-nums }
table.relays { overflow: hidden }
table.relays thead th { white-space: nowrap; color: var(--soft) }
table.relays tbody tr > * { border-top: 1px solid var(--line) }
table.relays td { color: var(--ink); white-space: nowrap }
table.relays td.silent { color: var(--red); white-space: normal }
table.relays .sum > * { font-weight: 600; background: var(--paper) }
dl.options { columns: 2; column-gap: 2.5rem; margin: 0; background: var(--card);
  border: 1px solid var(--line); border-radius: .6rem; padding: .4rem 1rem }
dl.options div { display: grid; grid-template-columns: 9.5rem minmax(0, 1fr); padding: .25rem 0;
  break-inside: avoid }
dl.options dt { font: .8125rem/1.8 ui-monospace, "SF Mono", Menlo, monospace }
dl.options dd { margin: 0; color: var(--soft); overflow-wrap: anywhere }
dl.options dd.unset { opacity: .75 }
section.options p { display: none }
footer { color: var(--soft); padding-top: 2rem; padding-bottom: 3rem; font-size: .875rem }
a { color: var(--blue) }
@media (max-width: 62rem) {
  .plot:not(.joined) .times span:nth-child(even) { visibility: hidden }
  table.relays thead { display: none }
  table.relays tbody tr { display: grid; gap: 0 1.75rem; padding: .45rem .9rem;
    grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)) }
  table.relays tbody tr + tr { border-top: 1px solid var(--line) }
  table.relays tbody tr > * { border: 0; padding: .1rem 0 }
  table.relays td { display: flex; justify-content: space-between }
  table.relays td::before { content: attr(data-head); color: var(--soft); font-weight: 400 }
  table.relays td:nth-child(2) { grid-column: 2 / -1; grid-row: auto; justify-content: end }
  table.relays td:nth-child(2)::before { content: none }
  table.relays td.silent, th:has(+ .silent) { grid-column: 1 / -1; justify-content: start }
  table.relays .sum { background: var(--paper) }
}
@media (max-width: 46rem) {
  .plots { grid-template-columns: minmax(0, 1fr) }
  dl.figures { grid-template-columns: repeat(2, minmax(0, 1fr)) }
  .tables, dl.options { columns: 1 }
  section.options p { display: block }
  section.options dl { display: none }
  .times span:nth-child(even) { visibility: hidden }
  tr { display: grid; grid-template-columns: 1fr auto; padding: .4rem .9rem }
  tr + tr { border-top: 1px solid var(--line) }
  tr + tr > * { border: 0 }
  td, th { padding: 0 }
  td:nth-child(2):not(.count) { grid-row: 2; grid-column: 1 / -1 }
  td.count { width: auto }
}
"""
