/** The contribution of each feature to the margin, in one direction or the other; of a text, those of its words below it. */
import { change, excerpt } from "../format.js";
import { html, useState } from "../view.js";
import { FeatureValue } from "./feature_value.js";
import { Icon } from "./icon.js";

const SHOWN = 12;
/** Words of a text. */
const WORDS = 8;

/** @typedef {import("../types").NamedValue & {contribution: number}} Contribution */

/**
 * The largest contributions first. Those that aren't shown are summed in one line, so that the lines add up to the margin.
 *
 * @param {{contributions: Contribution[], base: number,
 *   for: string, against?: string | null}} props `for`: the label of bars to the right
 */
export function SignedBars({ contributions, base, for: label, against }) {
  const [all, setAll] = useState(false);
  const [opened, setOpened] = useState(/** @type {Record<string, boolean>} */ ({}));
  const sorted = [...contributions].sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution));
  const shown = all || sorted.length <= SHOWN + 1 ? sorted : sorted.slice(0, SHOWN);
  const rest = sorted.slice(shown.length);
  /** @param {{contribution: number}[]} items */
  const sum = (items) => items.reduce((total, item) => total + item.contribution, 0);
  const largest = Math.max(...sorted.map((item) => Math.abs(item.contribution)), Math.abs(base), Number.MIN_VALUE);
  /**
   * @param {any} name text, or a view
   * @param {number} push
   * @param {import("../types").FeatureValue} [value] undefined: it has none, or is beside this
   */
  const line = (name, push, kind = "", value = undefined) => html`
    <tr class=${kind}>
      <th scope="row" colspan=${value === undefined ? 2 : null}>${name}</th>
      ${value !== undefined &&
      html`<td class=${typeof value === "string" ? "level" : "numeric"}><${FeatureValue} of=${value} /></td>`}
      <td class="bar" aria-hidden="true"><${Bar} share=${push / largest} /></td>
      <td class="numeric">${change(push)}</td>
    </tr>
  `;
  /** @param {Contribution} item a text: it opens to its words */
  const text = ({ feature, contribution, words }) => {
    const open = opened[feature] ?? feature === sorted[0].feature;
    const strongest = open && words ? words.slice(0, WORDS) : [];
    const name = html`<button type="button" class="quiet" aria-expanded=${String(open)}
      onClick=${() => setOpened({ ...opened, [feature]: !open })}><${Icon} name=${open ? "down" : "right"} />${feature}</button>`;
    return [
      line(name, contribution, "words"),
      ...strongest.map((one) => line(excerpt(one.word), one.contribution, "word")),
      open && line("other words, less an average text", contribution - sum(strongest), "word rest"),
    ];
  };
  return html`
    <table class="signed-bars">
      <thead>
        <tr>
          <th scope="col"><span class="unseen">Feature</span></th>
          <th scope="col"><span class="unseen">Value</span></th>
          <td class="towards">${against && html`<span>◂ ${against}</span>`}<span>${label} ▸</span></td>
          <th scope="col"><span class="unseen">Push</span></th>
        </tr>
      </thead>
      <tbody>
        ${shown.map((item) => (item.words?.length ? text(item) : line(item.feature, item.contribution, "", item.value)))}
        ${rest.length > 0 && line(`${rest.length} others`, sum(rest), "rest")}
        ${line("An average record", base, "rest")}
      </tbody>
      <tfoot>
        <tr><th scope="row">Margin</th><td></td><td></td><td class="numeric">${change(base + sum(sorted))}</td></tr>
      </tfoot>
    </table>
    ${(all || rest.length > 0) &&
    html`<button type="button" class="quiet" onClick=${() => setAll(!all)}>
      ${all ? "Show fewer" : `Show all ${sorted.length}`}
    </button>`}
  `;
}

/** @param {{share: number}} props from -1 (all the way left) to 1 */
function Bar({ share }) {
  const width = Math.min(1, Math.abs(share)) * 50;
  const style = { width: `${width}%`, left: `${share < 0 ? 50 - width : 50}%` };
  return html`<span class=${share < 0 ? "minus" : "plus"} style=${style}></span>`;
}
