/** The page's whole style. No font, image or script is fetched: the page must read the same without a network. */
export const style = `
:root {
  color-scheme: light dark;
  --paper: #fbfaf7; --panel: #ffffff; --ink: #1d2329; --soft: #58626c; --rule: #dedbd3; --grid: #e9e6df;
  --accent: #0b6660; --accent-soft: #e4f0ee; --warn: #8a4b00; --warn-soft: #fbf0df;
  --random: #6b747d; --alone: #a8620a; --federated: #0b6660;
  --s1: #0a659e; --s2: #b4481a; --s3: #3b7a33; --s4: #86479b; --s5: #866900; --s6: #00746d; --s7: #a52f60; --s8: #4c5965;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14181b; --panel: #1b2024; --ink: #e6e9eb; --soft: #a3adb5; --rule: #343b41; --grid: #2a3035;
    --accent: #62c3b8; --accent-soft: #17302e; --warn: #efb264; --warn-soft: #332713;
    --random: #a3adb5; --alone: #e5a54e; --federated: #62c3b8;
    --s1: #63b1e6; --s2: #f08a5d; --s3: #86c57d; --s4: #c795db; --s5: #d8b945; --s6: #5cc7bf; --s7: #ee86b0; --s8: #a9b6c2;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); line-height: 1.55;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main, header, footer { max-width: 66rem; margin: 0 auto; padding: 0 1.5rem; }
header { padding-top: 2.75rem; }
h1, h2 { font-family: Charter, "Iowan Old Style", "Palatino Linotype", Palatino, Georgia, serif; font-weight: 600; line-height: 1.2; text-wrap: balance; }
h1 { font-size: 2.1rem; margin: 0.1rem 0 0.5rem; }
h2 { font-size: 1.4rem; margin: 0 0 0.6rem; }
h3 { font-size: 1rem; margin: 1.6rem 0 0.4rem; }
p { margin: 0.5rem 0; max-width: 48rem; }
.kicker { color: var(--soft); font-size: 0.85rem; letter-spacing: 0.02em; margin: 0; }
code, .hash { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: 0.86em; overflow-wrap: anywhere; }
.soft, .note { color: var(--soft); }
.note { font-size: 0.9rem; }
section { padding: 1.75rem 0 1.5rem; border-top: 1px solid var(--rule); }
section:first-of-type { border-top: 0; }
nav { margin: 1.1rem 0 0; padding: 0.6rem 0; border-top: 1px solid var(--rule); border-bottom: 1px solid var(--rule); font-size: 0.92rem; display: flex; flex-wrap: wrap; gap: 0.3rem 1.4rem; }
a { color: var(--accent); text-underline-offset: 0.15em; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: 0.9rem; margin: 1.1rem 0; padding: 0; }
.tile { background: var(--panel); border: 1px solid var(--rule); border-radius: 8px; padding: 0.85rem 1rem; }
.tile dt { color: var(--soft); font-size: 0.86rem; }
.tile dd { margin: 0.1rem 0 0; font-size: 1.5rem; font-variant-numeric: tabular-nums; line-height: 1.25; }
.tile dd small { display: block; font-size: 0.86rem; color: var(--soft); margin-top: 0.15rem; }
.banner { background: var(--warn-soft); border-left: 4px solid var(--warn); border-radius: 4px; padding: 0.7rem 1rem; max-width: 48rem; margin: 1rem 0; }
ul { padding-left: 1.2rem; max-width: 48rem; margin: 0.5rem 0; }
li { margin: 0.25rem 0; }
.table { overflow-x: auto; margin: 1rem 0; background: var(--panel); border: 1px solid var(--rule); border-radius: 8px; }
table { border-collapse: collapse; width: 100%; font-size: 0.92rem; }
caption { text-align: left; padding: 0.7rem 0.72rem 0.3rem; color: var(--soft); font-size: 0.88rem; }
th, td { padding: 0.4rem 0.72rem; text-align: left; vertical-align: baseline; border-top: 1px solid var(--grid); }
thead th { border-top: 0; border-bottom: 1px solid var(--rule); font-weight: 600; font-size: 0.86rem; color: var(--soft); vertical-align: bottom; }
tbody tr:first-child > * { border-top: 0; }
tbody th { font-weight: 500; white-space: nowrap; }
td .hash { white-space: nowrap; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
td.number { white-space: nowrap; }
tr.emphasis > * { background: var(--accent-soft); }
details { margin: 0.8rem 0; }
summary { cursor: pointer; color: var(--accent); width: fit-content; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); gap: 1rem; }
figure { margin: 1rem 0; background: var(--panel); border: 1px solid var(--rule); border-radius: 8px; padding: 0.8rem 0.9rem 0.4rem; overflow-x: auto; }
figcaption { font-size: 0.92rem; font-weight: 600; margin-bottom: 0.3rem; }
figcaption span { font-weight: 400; color: var(--soft); }
.chart { width: 100%; height: auto; display: block; }
.chart text { font: 12.5px system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif; fill: var(--ink); }
.chart.wide { min-width: 38rem; }
.chart .tick { fill: var(--soft); font-variant-numeric: tabular-nums; }
.chart .grid { stroke: var(--grid); }
.chart .axis { stroke: var(--rule); }
.chart .line { fill: none; stroke: var(--series); stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.chart g[class^="site-"] circle { fill: var(--series); }
.chart g[class^="site-"] .label, .chart .left-out { fill: var(--series); font-weight: 600; }
.chart .leader { stroke: var(--series); stroke-width: 1; opacity: 0.45; }
.site-1 { --series: var(--s1); } .site-2 { --series: var(--s2); } .site-3 { --series: var(--s3); } .site-4 { --series: var(--s4); }
.site-5 { --series: var(--s5); } .site-6 { --series: var(--s6); } .site-7 { --series: var(--s7); } .site-8 { --series: var(--s8); }
.site-2 .line { stroke-dasharray: 7 4; } .site-3 .line { stroke-dasharray: 2 4; } .site-4 .line { stroke-dasharray: 9 3 2 3; }
.site-6 .line { stroke-dasharray: 7 4; } .site-7 .line { stroke-dasharray: 2 4; } .site-8 .line { stroke-dasharray: 9 3 2 3; }
.encoder-random { --series: var(--random); } .encoder-alone { --series: var(--alone); } .encoder-federated { --series: var(--federated); }
.chart .mark { fill: var(--series); stroke: var(--panel); stroke-width: 1; }
.chart .mark.hollow { fill: var(--panel); stroke: var(--series); stroke-width: 2; }
.chart .whisker { stroke: var(--series); stroke-width: 2; }
.chart .chance { stroke: var(--soft); stroke-dasharray: 4 4; }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: 0.25rem 1.2rem; font-size: 0.94rem; margin: 0.8rem 0; }
dl.facts dt { color: var(--soft); }
dl.facts dd { margin: 0; min-width: 0; }
@media (max-width: 34rem) { dl.facts { grid-template-columns: 1fr; } dl.facts dd { margin-bottom: 0.5rem; } }
footer { color: var(--soft); font-size: 0.88rem; padding-bottom: 3rem; }
footer div { border-top: 1px solid var(--rule); padding-top: 1rem; }
@media print {
  body { background: #fff; font-size: 11pt; } .table { overflow: visible; } section { break-inside: auto; } figure, .table { break-inside: avoid; }
  nav { display: none; }
}
`;
