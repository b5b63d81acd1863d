/** Champion beside challenger, each out of fold on its own training examples. */
import { useResource } from "../../resource.js";
import { change, count, percent } from "../../format.js";
import { Card } from "../../parts/card.js";
import { loaded } from "../../parts/loaded.js";
import { Table } from "../../parts/table.js";
import { html } from "../../view.js";
import { Confusion } from "./confusion.js";

/** @typedef {import("../../types").TrainingMetrics} Metrics */
/** @typedef {{version: number | null, metrics: Metrics}} Challenger */
/** @typedef {{name: string, shares: (number | null)[]}} Row */

const NOTE = "each on its own examples, which aren't the same; none had been seen by the fit that answered";

const NOTE_IMPORTED = "the champion out of fold on its examples, the imported model on all labelled records of here";

/** @param {{challenger: Challenger, champion: number}} props */
export function Comparison({ challenger, champion }) {
  const reading = useResource("/v1/models/{version}", { params: { version: champion } });
  return html`
    <${Card} title=${`Model ${challenger.version} beside model ${champion}`} note=${challenger.metrics.imported ? NOTE_IMPORTED : NOTE}>
      ${loaded(reading, (model) => html`<${Known} champion=${model} challenger=${challenger} />`)}
    <//>
  `;
}

/** @param {{champion: import("../../types").Model, challenger: Challenger}} props */
function Known({ champion, challenger }) {
  /** @type {Metrics[]} */
  const both = [champion.metrics, challenger.metrics];
  const labels = [...new Set(both.flatMap((metrics) => Object.keys(metrics.per_class ?? {})))];
  /** @type {Row[]} */
  const rows = [
    { name: "All", shares: both.map((metrics) => metrics.accuracy ?? null) },
    ...labels.map((name) => ({ name, shares: both.map((metrics) => shareOf(metrics.per_class?.[name])) })),
  ];
  /** @type {import("../../parts/table.js").Column<Row>[]} */
  const columns = [
    { title: "Class", cell: ({ name }) => html`<strong>${name}</strong>` },
    { title: `Champion ${champion.version}`, cell: (row) => percent(row.shares[0]), numeric: true },
    { title: `Model ${challenger.version}`, cell: (row) => percent(row.shares[1]), numeric: true },
    { title: "Points", cell: (row) => points(row.shares), numeric: true },
  ];
  return html`
    <p class="note">Right, over ${both.map((metrics) => count(metrics.examples)).join(" and ")} examples:</p>
    <${Table} narrow caption="Right out of fold, per class" columns=${columns} rows=${rows} keyOf=${nameOf} />
    <div class="columns matrices">
      <${Matrix} title=${`What champion ${champion.version} took for what`} metrics=${champion.metrics} />
      <${Matrix} title=${`What model ${challenger.version} took for what`} metrics=${challenger.metrics} />
    </div>
  `;
}

/** @param {{title: string, metrics: Metrics}} props */
function Matrix({ title, metrics }) {
  if (!metrics.confusion) return null;
  return html`<${Confusion} title=${title} labels=${Object.keys(metrics.per_class ?? {})} counts=${metrics.confusion} />`;
}

/** @param {Row} row */
const nameOf = ({ name }) => name;
/** A class that a model doesn't know has no share. @param {{examples?: number, right?: number} | undefined} counts */
const shareOf = (counts) => (counts?.examples ? (counts.right ?? 0) / counts.examples : null);
/** @param {(number | null)[]} shares */
const points = ([before, after]) => change(before === null || after === null ? null : 100 * (after - before));
