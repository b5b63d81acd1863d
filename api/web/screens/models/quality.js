/** How good a model is on examples that it was not trained on: per class, and which it takes for which. */
import { count, number } from "../../format.js";
import { Share } from "../../parts/meter.js";
import { Table } from "../../parts/table.js";
import { html } from "../../view.js";
import { shareRight } from "../../descriptions.js";
import { Confusion } from "./confusion.js";

/** @param {{metrics: Record<string, any>}} props of a model, or of the job that made it */
export function Quality({ metrics }) {
  if (typeof metrics.accuracy !== "number") return html`<p class="note">Nothing was measured.</p>`;
  const classes = Object.entries(metrics.per_class ?? {});
  const aside = Object.entries(metrics.set_aside ?? {});
  const columns = [
    { title: "Class", cell: ([label]) => html`<strong>${label}</strong>` },
    { title: "Right", cell: ([, { right, examples }]) => html`<${Share} share=${right / examples} />` },
    { title: "Examples", cell: ([, { examples }]) => count(examples), numeric: true },
    { title: "Answered", cell: ([, { answered }]) => count(answered), numeric: true },
  ];
  const left = aside.length > 0 && `; left out, having fewer than two examples: ${aside.map(([label]) => label).join(", ")}`;
  return html`
    <p class="words">${shareRight(metrics)}</p>
    <div class="columns">
      <${Table} narrow caption="Out of fold, per class" columns=${columns} rows=${classes} keyOf=${([label]) => label} />
      ${metrics.confusion && html`<${Confusion} labels=${classes.map(([label]) => label)} counts=${metrics.confusion} />`}
    </div>
    <p class="note">Regularisation C ${number(metrics.c)}${left}</p>
  `;
}
