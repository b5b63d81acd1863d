/** Where a model comes from: its job, what it was made of, each time that it began to answer. */
import { count, dateTime, plural } from "../../format.js";
import { Badge } from "../../parts/badge.js";
import { Card } from "../../parts/card.js";
import { FactList } from "../../parts/fact_list.js";
import { Table } from "../../parts/table.js";
import { href } from "../../router.js";
import { html } from "../../view.js";
import { commandText, reasonText } from "../../descriptions.js";

const SOURCES = ["bootstrap", "reviewed", "assumed"];

/** @param {{model: any}} props of GET /v1/models/{version} */
export function Origin({ model: { made_by: job, cut, sha256, key_id: key } }) {
  const facts = [
    ["Job", html`<a href=${href("job", { id: job.id })}>${commandText(job)}</a>, ${dateTime(job.queued_at)}`],
    ["Reason", reasonText(job)],
    ["Champion then", job.champion !== null && html`<a href=${href("model", { id: job.champion })}>Model ${job.champion}</a>`],
    ["Reviews known", cut > 0 ? `up to number ${count(cut)}` : "none yet"],
    ["SHA-256", html`<code>${sha256}</code>`],
    ["Signed by", key ? html`key <code>${key}</code>` : "nobody: it never answered"],
  ];
  return html`<${Card} title="Where it comes from"><${FactList} of=${facts} /><//>`;
}

/** @param {{model: any}} props */
export function MadeOf({ model: { classes, sources } }) {
  const used = SOURCES.filter((source) => sources[source] > 0);
  const columns = [
    { title: "Class", cell: ([label]) => html`<strong>${label}</strong>` },
    ...used.map((source) => ({ title: source, cell: ([, counts]) => count(counts[source] ?? 0), numeric: true })),
    { title: "all", cell: ([, counts]) => count(Object.values(counts).reduce((sum, one) => sum + one, 0)), numeric: true },
  ];
  const note = used.map((source) => `${count(sources[source])} ${source}`).join(", ");
  return html`
    <${Card} title="What it was made of" note=${note}>
      <${Table} narrow caption="Examples by class and source" columns=${columns} rows=${Object.entries(classes)}
        keyOf=${([label]) => label} />
    <//>
  `;
}

/** @param {{activations: any[]}} props */
export function Activations({ activations }) {
  if (activations.length === 0) return html`<${Card} title="Activations"><p class="note">It never answered.</p><//>`;
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
        keyOf=${(one) => one.activation} />
    <//>
  `;
}
