/** Every feature and the margin, what moved most first; a line each, its histogram on opening. */
import { UNKNOWN, chance, count, number, plural } from "../../format.js";
import { Badge } from "../../parts/badge.js";
import { Icon } from "../../parts/icon.js";
import { html, useState } from "../../view.js";
import { Histogram } from "./histogram.js";

const SHOWN = 40;
/** Of those that have drifted so many stand open from the start. */
const OPEN = 3;

/** Drifted ones first, then by PSI; what isn't known is last. Pure. @param {any[]} spreads */
export function sorted(spreads) {
  const psi = (one) => one.psi ?? -Infinity;
  return [...spreads].sort((a, b) => b.drifted - a.drifted || psi(b) - psi(a));
}

/** @param {{spreads: any[], margin: any, limits: any}} props the features' `Spread`s, and the margin's among them */
export function Spreads({ spreads, margin, limits }) {
  const [wanted, setWanted] = useState("");
  const [all, setAll] = useState(false);
  const [opened, setOpened] = useState({});
  const found = sorted(spreads).filter((one) => one.name.toLowerCase().includes(wanted.trim().toLowerCase()));
  const shown = all ? found : found.slice(0, SHOWN);
  const isOpen = (one, i) => opened[one.name] ?? (one.drifted ? i < OPEN : i === 0);
  return html`
    ${spreads.length > SHOWN &&
    html`<div class="drift-find">
      <label for="drift-find">Find a feature</label>
      <input id="drift-find" type="search" value=${wanted} onInput=${(event) => setWanted(event.currentTarget.value)} />
      <span class="note" role="status">${wanted ? plural(found.length, "feature") : ""}</span>
    </div>`}
    <div class="drift-line drift-titles" aria-hidden="true">
      <span></span><span>What</span><span></span><span>PSI</span><span>p</span><span>In a row</span>
    </div>
    <ul class="drift-list">
      ${shown.map((one, i) => {
        const toggle = () => setOpened({ ...opened, [one.name]: !isOpen(one, i) });
        return html`<${Line} key=${one.name} spread=${one} limits=${limits} margin=${one === margin}
          open=${isOpen(one, i)} toggle=${toggle} />`;
      })}
    </ul>
    ${found.length === 0 && html`<p class="note">No feature has that in its name.</p>`}
    ${found.length > SHOWN &&
    html`<div class="more">
      <button type="button" onClick=${() => setAll(!all)}>${all ? "Show fewer" : `Show all ${count(found.length)}`}</button>
    </div>`}
  `;
}

function Line({ spread, limits, margin, open, toggle }) {
  return html`
    <li class=${spread.drifted ? "drifted" : null}>
      <button type="button" class="drift-line" aria-expanded=${open ? "true" : "false"} onClick=${toggle}>
        <${Icon} name=${open ? "down" : "right"} />
        <span class="drift-name">${spread.name}${margin && html` <span class="note">of the champion</span>`}</span>
        <span><${State} spread=${spread} /></span>
        <span class="psi"><span class="title">PSI</span> <${Meter} psi=${spread.psi} limit=${limits.psi} /> ${number(spread.psi)}</span>
        <span><span class="title">p</span> ${chance(spread.p)}</span>
        <span><span class="title">In a row</span> ${spread.live ? count(spread.windows) : UNKNOWN}</span>
      </button>
      ${open && html`<${Histogram} spread=${spread} />`}
    </li>
  `;
}

function State({ spread }) {
  if (spread.drifted) return html`<${Badge} kind="bad">drifted<//>`;
  if (spread.shifted) return html`<${Badge} kind="warn">shifted in the last window<//>`;
  return spread.live ? html`<${Badge}>as before<//>` : null;
}

/** How far to the limit, and beyond. */
function Meter({ psi, limit }) {
  if (psi === null) return null;
  const share = Math.max(0, Math.min(1, psi / (2 * limit)));
  return html`<span class=${psi >= limit ? "psi-meter over" : "psi-meter"} aria-hidden="true">
    <span style=${{ width: `${100 * share}%` }}></span>
  </span>`;
}
