/** Records and the model's answers, as a table. */
import { UNKNOWN, count, percent } from "../../format.js";
import { Badge } from "../../parts/badge.js";
import { RecordSummary } from "../../parts/record_summary.js";
import { Table } from "../../parts/table.js";
import { href } from "../../router.js";
import { html, useState } from "../../view.js";
import { ALONG } from "./records.js";

const SHOWN = 50;
/** @type {Record<string, string>} */
const TITLES = { id: "Id", subject: "Subject", context: "Context" };

/**
 * @typedef {object} Answer
 * @property {number} nr from 1
 * @property {import("../../types").Features} features
 * @property {string | null} label null: not yet
 * @property {number | null} confidence
 * @property {string | null} prediction its id, if it is stored
 * @property {Along} along what was sent beside the features
 *
 * @typedef {Record<string, string | null | undefined>} Along by the name of its column
 */

/** @param {{answers: Answer[], names: string[] | null}} props */
export function ResultsTable({ answers, names }) {
  const [all, setAll] = useState(false);
  const shown = all ? answers : answers.slice(0, SHOWN);
  const stored = answers.some((one) => one.prediction);
  /** @type {import("../../parts/table.js").Column<Answer>[]} */
  const columns = [
    { title: "Nr", cell: (one) => count(one.nr) },
    { title: "Record", wide: true, cell: (one) => html`<${RecordSummary} features=${one.features} names=${names} />` },
    ...ALONG.filter((name) => answers.some(({ along }) => along[name])).map((name) => ({
      title: TITLES[name], cell: (/** @type {Answer} */ one) => one.along[name] ?? UNKNOWN,
    })),
    { title: "Answer", cell: labelled },
    { title: "Confidence", numeric: true, cell: (one) => percent(one.confidence) },
    ...(stored ? [{ title: "Why", cell: linked }] : []),
  ];
  return html`
    <${Table} caption="Records and answers" columns=${columns} rows=${shown} keyOf=${numberOf} />
    ${answers.length > shown.length &&
    html`<div class="more"><button type="button" onClick=${() => setAll(true)}>Show all ${count(answers.length)}</button></div>`}
  `;
}

/** @param {Answer} answer */
const numberOf = ({ nr }) => nr;

/** @param {Answer} answer */
function labelled({ label }) {
  return label === null ? html`<span class="note">waits</span>` : html`<${Badge} kind="accent">${label}<//>`;
}

/** @param {Answer} answer */
function linked({ prediction, nr }) {
  if (!prediction) return UNKNOWN;
  return html`<a href=${href("prediction", { id: prediction })}>Explain<span class="unseen"> record ${nr}</span></a>`;
}
