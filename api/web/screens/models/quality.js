/** A model's quality on examples that it was not trained on: per class, with the confusion matrix. */
import { count, number } from "../../format.js";
import { Share } from "../../parts/meter.js";
import { Table } from "../../parts/table.js";
import { html } from "../../view.js";
import { shareRight } from "../../descriptions.js";
import { Confusion } from "./confusion.js";

/** @param {[string, unknown]} row */
const labelOf = ([label]) => label;

/** @param {{metrics: import("../../types").TrainingMetrics}} props of a model or of its job */
export function Quality({ metrics }) {
  if (typeof metrics.accuracy !== "number") return html`<p class="note">Nothing was measured.</p>`;
  const classes = Object.entries(metrics.per_class ?? {});
  const aside = Object.entries(metrics.set_aside ?? {});
  /** @typedef {[string, {right: number, examples: number, answered: number}]} Row */
  /** @type {import("../../parts/table.js").Column<Row>[]} */
  const columns = [
    { title: "Class", cell: ([label]) => html`<strong>${label}</strong>` },
    { title: "Right", cell: ([, { right, examples }]) => html`<${Share} share=${right / examples} />` },
    { title: "Examples", cell: ([, { examples }]) => count(examples), numeric: true },
    { title: "Answered", cell: ([, { answered }]) => count(answered), numeric: true },
  ];
  const left = aside.length > 0 && `; classes left out, with fewer than two examples or as too many: ${aside.map(([label]) => label).join(", ")}`;
  return html`
    <p class="words">${shareRight(metrics)}</p>
    <div class="columns">
      <${Table} narrow caption=${metrics.imported ? "On labelled records, per class" : "Out of fold, per class"} columns=${columns} rows=${classes} keyOf=${labelOf} />
      ${metrics.confusion && html`<${Confusion} labels=${classes.map(([label]) => label)} counts=${metrics.confusion} />`}
    </div>
    ${!metrics.imported && html`<p class="note">Regularisation C ${number(metrics.c)}${left}</p>`}
  `;
}
