/**
 * The confusion matrix: a row per right class, a column per answer; the darker a cell, the larger its share of the row.
 */
import { count, percent } from "../../format.js";
import { html } from "../../view.js";

/** @param {{labels: string[], counts: number[][], title?: string}} props both in the same order */
export function Confusion({ labels, counts, title = "What it takes for what" }) {
  return html`
    <div class="confusion-place" tabindex="0" role="region" aria-label=${title}>
      <table class="confusion">
        <caption>${title} <span class="note">rows: right; columns: answered</span></caption>
        <thead>
          <tr><td></td>${labels.map((label) => html`<th scope="col" key=${label}>${label}</th>`)}</tr>
        </thead>
        <tbody>
          ${counts.map((row, i) => html`<${Row} key=${labels[i]} label=${labels[i]} row=${row} labels=${labels} at=${i} />`)}
        </tbody>
      </table>
    </div>
  `;
}

/** @param {{label: string, row: number[], labels: string[], at: number}} props */
function Row({ label, row, labels, at }) {
  const all = row.reduce((sum, one) => sum + one, 0);
  return html`
    <tr>
      <th scope="row">${label}</th>
      ${row.map(
        (one, i) => html`
          <td key=${labels[i]} class=${kindOf(one, i === at)} style=${one ? shade(one / all) : null}
            title=${`${label}, answered ${labels[i]}: ${count(one)} (${percent(all ? one / all : null)})`}>${count(one)}</td>
        `,
      )}
    </tr>
  `;
}

/** @param {number} share */
const shade = (share) => ({ "--share": `${Math.round(100 * (0.1 + 0.32 * share))}%` });
/** @param {number} value @param {boolean} right */
const kindOf = (value, right) => (value === 0 ? "none" : right ? "right" : "wrong");
