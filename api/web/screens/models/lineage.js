/** The lineage of a model: its job, its training examples, its activations. */
import { count, dateTime, plural } from "../../format.js";
import { Badge } from "../../parts/badge.js";
import { Card } from "../../parts/card.js";
import { FactList } from "../../parts/fact_list.js";
import { Table } from "../../parts/table.js";
import { href } from "../../router.js";
import { html } from "../../view.js";
import { commandText, reasonText } from "../../descriptions.js";

/** @typedef {import("../../types").Model} Model */
/** @typedef {Model["activations"][number]} Activation */
/** @typedef {[string, Record<string, number>]} Row */

const SOURCES = ["bootstrap", "reviewed", "assumed"];

/** @param {{model: Model}} props */
export function Origin({ model: { made_by: job, cut, sha256, key_id: key, metrics, features, schema } }) {
  const { imported } = metrics;
  const facts = [
    ["Job", html`<a href=${href("job", { id: job.id })}>${commandText(job)}</a>, ${dateTime(job.queued_at)}`],
    ["Reason", reasonText(job)],
    ["File", imported?.sha256 && html`SHA-256 <code>${imported.sha256}</code>`],
    ["Champion then", job.champion !== null && html`<a href=${href("model", { id: job.champion })}>Model ${job.champion}</a>`],
    ["Reviews known", imported ? "none: it was made elsewhere" : cut > 0 ? `up to number ${count(cut)}` : "none yet"],
    ["Features", `${count(features.length)}, version ${schema}`],
    ["SHA-256", html`<code>${sha256}</code>`],
    ["Signed by", key ? html`key <code>${key}</code>` : "not signed: it never answered"],
  ];
  return html`<${Card} title="Where it comes from"><${FactList} of=${facts} /><//>`;
}

/** @param {{model: Model}} props */
export function MadeOf({ model: { classes, sources, metrics } }) {
  if (metrics.imported) return html`<${Imported} of=${metrics.imported} />`;
  const used = SOURCES.filter((source) => sources[source] > 0);
  /** @type {import("../../parts/table.js").Column<Row>[]} */
  const columns = [
    { title: "Class", cell: ([label]) => html`<strong>${label}</strong>` },
    ...used.map((source) => ({ title: source, cell: countOf(source), numeric: true })),
    { title: "all", cell: sumOf, numeric: true },
  ];
  const note = used.map((source) => `${count(sources[source])} ${source}`).join(", ");
  return html`
    <${Card} title="What it was made of" note=${note}>
      <${Table} narrow caption="Examples by class and source" columns=${columns} rows=${Object.entries(classes)}
        keyOf=${labelOf} />
    <//>
  `;
}

/** A model of others has no training set here. @param {{of: NonNullable<Model["metrics"]["imported"]>}} props */
function Imported({ of: { file, estimator, knows_labels: knows } }) {
  const facts = [
    ["Estimator", estimator],
    ["File", file],
    ["Labels of here", knows ? "it was trained on some: none of them judged it" : "assumed to be unknown to it"],
  ];
  return html`<${Card} title="What it was made of" note="imported"><${FactList} of=${facts} /><//>`;
}

/** @param {string} source */
const countOf =
  (source) =>
  /** @param {Row} row */
  ([, counts]) =>
    count(counts[source] ?? 0);
/** @param {Row} row */
const sumOf = ([, counts]) => count(Object.values(counts).reduce((sum, one) => sum + one, 0));
/** @param {[string, unknown]} row */
const labelOf = ([label]) => label;
/** @param {Activation} one */
const activationOf = (one) => one.activation;

/** @param {{activations: Activation[]}} props */
export function Activations({ activations }) {
  if (activations.length === 0) return html`<${Card} title="Activations"><p class="note">It never answered.</p><//>`;
  /** @type {import("../../parts/table.js").Column<Activation>[]} */
  const columns = [
    { title: "Activation", cell: (one) => count(one.activation), numeric: true },
    { title: "As", cell: (one) => html`<${Badge} kind=${one.role === "champion" ? "good" : "accent"}>${one.role}<//>` },
    { title: "From", cell: (one) => dateTime(one.at) },
    { title: "Published", cell: (one) => (one.published_at ? dateTime(one.published_at) : "not yet") },
    { title: "Why", cell: (one) => html`<a href=${href("job", { id: one.job })}>${reasonText(one)}</a>`, wide: true },
    { title: "Signed by", cell: (one) => html`<code>${one.key_id}</code>` },
  ];
  return html`
    <${Card} title="Activations" note=${plural(activations.length, "time")}>
      <${Table} caption="Activations, the newest first" columns=${columns} rows=${activations.toReversed()}
        keyOf=${activationOf} />
    <//>
  `;
}
