/** Records and what the model answered, as a table. */
import { UNKNOWN, count, number, percent } from "../../format.js";
import { Badge } from "../../parts/badge.js";
import { Picture, pictureOf } from "../../parts/picture.js";
import { Table } from "../../parts/table.js";
import { href } from "../../router.js";
import { html, useMemo, useState } from "../../view.js";

const SHOWN = 50;
const VALUES = 4;

/**
 * @typedef {object} Answer
 * @property {number} nr from 1
 * @property {number[] | Record<string, number>} features
 * @property {string | null} label null: not yet
 * @property {number | null} confidence
 * @property {string | null} prediction its id, where it is stored
 */

/** @param {{answers: Answer[], names: string[] | null}} props */
export function Answers({ answers, names }) {
  const [all, setAll] = useState(false);
  const shown = all ? answers : answers.slice(0, SHOWN);
  const stored = answers.some((one) => one.prediction);
  const columns = [
    { title: "Nr", cell: (one) => count(one.nr) },
    { title: "Record", wide: true, cell: (one) => html`<${Record} features=${one.features} names=${names} />` },
    { title: "Answer", cell: labelled },
    { title: "Confidence", numeric: true, cell: (one) => percent(one.confidence) },
    ...(stored ? [{ title: "Why", cell: linked }] : []),
  ];
  return html`
    <div class="answers"><${Table} caption="Records and answers" columns=${columns} rows=${shown} keyOf=${(one) => one.nr} /></div>
    ${answers.length > shown.length &&
    html`<div class="more"><button type="button" onClick=${() => setAll(true)}>Show all ${count(answers.length)}</button></div>`}
  `;
}

function labelled({ label }) {
  return label === null ? html`<span class="note">waits</span>` : html`<${Badge} kind="accent">${label}<//>`;
}

function linked({ prediction, nr }) {
  if (!prediction) return UNKNOWN;
  return html`<a href=${href("prediction", { id: prediction })}>Explain<span class="unseen"> record ${nr}</span></a>`;
}

/** The picture that it is, or its first values. */
function Record({ features, names }) {
  const picture = useMemo(() => pictureFor(features, names), [features, names]);
  if (picture) return html`<${Picture} picture=${picture} />`;
  const values = Array.isArray(features) ? features.map((value, i) => [names?.[i] ?? null, value]) : Object.entries(features);
  const first = values.slice(0, VALUES).map(([name, value]) => (name === null ? number(value) : `${name} ${number(value)}`));
  const rest = values.length - first.length;
  return html`<span>${first.join(" · ")}${rest > 0 && html` <span class="note">and ${count(rest)} more</span>`}</span>`;
}

function pictureFor(features, names) {
  const named = Array.isArray(features) ? names?.map((name, i) => [name, features[i]]) : Object.entries(features);
  return named ? pictureOf(named.map(([feature, value]) => ({ feature, value }))) : null;
}
