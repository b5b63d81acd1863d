/** Every feature and the margin, the largest drift first. Each is a line that opens to its histogram. */
import { UNKNOWN, chance, count, number, plural } from "../../format.js";
import { onValue } from "../../forms.js";
import { Badge } from "../../parts/badge.js";
import { Icon } from "../../parts/icon.js";
import { html, useState } from "../../view.js";
import { Histogram } from "./histogram.js";

/** @typedef {import("../../types").Spread} Spread */
/** @typedef {import("../../types").Drift["limits"]} Limits */

const SHOWN = 40;
/** How many drifted features are open at first. */
const OPEN = 3;

/** Drifted ones first, then by PSI; unknown ones last. Pure. @param {Spread[]} spreads */
export function sorted(spreads) {
  /** @param {Spread} one */
  const psi = (one) => one.psi ?? -Infinity;
  return [...spreads].sort((a, b) => Number(b.drifted) - Number(a.drifted) || psi(b) - psi(a));
}

/**
 * @param {{spreads: Spread[], margin: Spread, limits: Limits, schema: import("../../model_facts.js").Schema | null}} props
 *   `spreads`: of the features and of the margin
 */
export function Spreads({ spreads, margin, limits, schema }) {
  const [wanted, setWanted] = useState("");
  const [all, setAll] = useState(false);
  const [opened, setOpened] = useState(/** @type {Record<string, boolean>} */ ({}));
  const found = sorted(spreads).filter((one) => one.name.toLowerCase().includes(wanted.trim().toLowerCase()));
  const shown = all ? found : found.slice(0, SHOWN);
  /** @param {Spread} one @param {number} i */
  const isOpen = (one, i) => opened[one.name] ?? (one.drifted ? i < OPEN : i === 0);
  return html`
    ${spreads.length > SHOWN &&
    html`<div class="drift-find">
      <label for="drift-find">Find a feature</label>
      <input id="drift-find" type="search" value=${wanted} onInput=${onValue(setWanted)} />
      <span class="note" role="status">${wanted ? plural(found.length, "feature") : ""}</span>
    </div>`}
    <div class="drift-line drift-titles" aria-hidden="true">
      <span></span><span>What</span><span></span><span>PSI</span><span>p</span><span>In a row</span>
    </div>
    <ul class="drift-list">
      ${shown.map((one, i) => {
        const toggle = () => setOpened({ ...opened, [one.name]: !isOpen(one, i) });
        const feature = schema?.find(({ name }) => name === one.name);
        return html`<${Line} key=${one.name} spread=${one} feature=${feature} limits=${limits} margin=${one === margin}
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

/**
 * @param {{spread: Spread, feature?: import("../../types").SchemaFeature, limits: Limits, margin: boolean, open: boolean,
 *   toggle: () => void}} props
 */
function Line({ spread, feature, limits, margin, open, toggle }) {
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
      ${open && html`<${Histogram} spread=${spread} feature=${feature} />`}
    </li>
  `;
}

/** @param {{spread: Spread}} props */
function State({ spread }) {
  if (spread.drifted) return html`<${Badge} kind="bad">drifted<//>`;
  if (spread.shifted) return html`<${Badge} kind="warn">shifted in the last window<//>`;
  return spread.live ? html`<${Badge}>as before<//>` : null;
}

/** The PSI beside its limit. @param {{psi: number | null, limit: number}} props */
function Meter({ psi, limit }) {
  if (psi === null) return null;
  const share = Math.max(0, Math.min(1, psi / (2 * limit)));
  return html`<span class=${psi >= limit ? "psi-meter over" : "psi-meter"} aria-hidden="true">
    <span style=${{ width: `${100 * share}%` }}></span>
  </span>`;
}
