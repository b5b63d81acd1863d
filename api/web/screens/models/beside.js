/** Champion beside challenger, each out of fold on the examples that it was made of. */
import { useAsked } from "../../asked.js";
import { change, count, percent } from "../../format.js";
import { Card } from "../../parts/card.js";
import { Read } from "../../parts/read.js";
import { Table } from "../../parts/table.js";
import { html } from "../../view.js";
import { Confusion } from "./confusion.js";

/** @param {{challenger: {version: number, metrics: any}, champion: number}} props */
export function Beside({ challenger, champion }) {
  const asked = useAsked(`/v1/models/${champion}`);
  const note = "each on its own examples, none of which the answering fit had seen: they are not the same";
  return html`
    <${Card} title=${`Model ${challenger.version} beside model ${champion}`} note=${note}>
      <${Read} of=${asked}>${(model) => html`<${Known} champion=${model} challenger=${challenger} />`}<//>
    <//>
  `;
}

function Known({ champion, challenger }) {
  const both = [champion.metrics, challenger.metrics];
  const labels = [...new Set(both.flatMap((metrics) => Object.keys(metrics.per_class ?? {})))];
  const shares = (label) => both.map((metrics) => shareOf(metrics.per_class?.[label]));
  const rows = [
    { name: "All", shares: both.map((metrics) => metrics.accuracy ?? null) },
    ...labels.map((label) => ({ name: label, shares: shares(label) })),
  ];
  const columns = [
    { title: "Class", cell: ({ name }) => html`<strong>${name}</strong>` },
    { title: `Champion ${champion.version}`, cell: (row) => percent(row.shares[0]), numeric: true },
    { title: `Challenger ${challenger.version}`, cell: (row) => percent(row.shares[1]), numeric: true },
    { title: "Points", cell: (row) => points(row.shares), numeric: true },
  ];
  return html`
    <p class="note">Examples: ${both.map((metrics) => count(metrics.examples)).join(" and ")}. Right, per class:</p>
    <${Table} caption="Right out of fold, per class" columns=${columns} rows=${rows} keyOf=${(row) => row.name} />
    ${champion.metrics.confusion &&
    html`<${Confusion} title=${`What champion ${champion.version} took for what`}
      labels=${Object.keys(champion.metrics.per_class)} counts=${champion.metrics.confusion} />`}
  `;
}

const shareOf = (counts) => (counts?.examples ? counts.right / counts.examples : null);
const points = ([before, after]) => change(before === null || after === null ? null : 100 * (after - before));
