/** The gate's decision on a challenger, and the records on which challenger and champion differ. */
import { count, number, percent } from "../../format.js";
import { Badge } from "../../parts/badge.js";
import { Card } from "../../parts/card.js";
import { Table } from "../../parts/table.js";
import { html } from "../../view.js";
import { chance, jobStateText } from "../../descriptions.js";

/** @typedef {import("../../types").Gate} Gate */

const ROWS = /** @type {const} */ ([
  ["evidence", "Evidence", "reviews of records that weren't chosen for their answers"],
  ["silence", "All records", "an unreviewed record counts for the champion"],
]);

/**
 * @param {{gate: Gate | undefined, champion: number | null, version: number | null}} props of
 *   a job's metrics
 */
export function Gate({ gate, champion, version }) {
  if (!gate) return null;
  const { outcome, why, shadow } = gate;
  const vanished = gate.vanished ?? [];
  /** @type {Row[]} */
  const rows = ROWS.filter(([name]) => gate[name]).map(([name, title, what]) => ({ title, what, ...gate[name] }));
  if (shadow?.shadow) rows.push({ title: "As a shadow", what: "reviews of what both answered", ...shadow.shadow });
  const note = champion === null ? "the first model of all" : `model ${version} against model ${champion}, the champion then`;
  return html`
    <${Card} title="The gate" note=${note}>
      <p class="verdict"><${Outcome} outcome=${outcome} /> ${why}</p>
      ${shadow && html`<p class="verdict"><${Outcome} outcome=${shadow.outcome} /> ${shadow.why}</p>`}
      ${rows.length > 0 && html`<${Figures} rows=${rows} />`}
      ${typeof gate.majority === "number" && html`<${First} ...${gate} />`}
      ${vanished.length > 0 && html`<p class="note">Classes that it doesn't know: ${vanished.join(", ")}</p>`}
    <//>
  `;
}

/** @param {{outcome: string | undefined}} props */
function Outcome({ outcome = "" }) {
  const { words, kind } = jobStateText({ command: "train", state: outcome });
  return html`<${Badge} kind=${kind}>${words}<//>`;
}

/** @typedef {{title: string, what: string, fixed?: number, broken?: number, rows?: number, p?: number}} Row */

/**
 * A challenger fixes a record if it is right and the champion wrong, and breaks it in the reverse case.
 *
 * @param {{rows: Row[]}} props
 */
function Figures({ rows }) {
  /** @type {import("../../parts/table.js").Column<Row>[]} */
  const columns = [
    { title: "On", cell: ({ title, what }) => html`<span><strong>${title}</strong> <span class="note">${what}</span></span>` },
    { title: "Fixed", cell: ({ fixed }) => count(fixed), numeric: true },
    { title: "Broken", cell: ({ broken }) => count(broken), numeric: true },
    { title: "Records", cell: (row) => count(row.rows), numeric: true },
    { title: "Chance if equal", cell: ({ p }) => (p === undefined ? number(null) : chance(p)), numeric: true },
  ];
  return html`
    <${Table} caption="What the gate counted" columns=${columns} rows=${rows} keyOf=${titleOf} />
    <p class="note">
      Fixed: the champion is wrong, and it is right. Broken: the reverse. The challenger answers by a fit that never saw the
      record.
    </p>
  `;
}

/** @param {Row} row */
const titleOf = ({ title }) => title;

/** @param {{accuracy: number, majority: number, majority_class: string}} gate */
function First({ accuracy, majority, majority_class: label }) {
  return html`<p class="note">Right out of fold: ${percent(accuracy)}; always answering “${label}”: ${percent(majority)}.</p>`;
}
