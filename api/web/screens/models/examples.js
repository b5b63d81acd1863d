/** The very examples that a model was trained on, page by page, and all of them as a file. */
import { ApiError } from "../../api.js";
import { usePages } from "../../asked.js";
import { download } from "../../download.js";
import { count, number } from "../../format.js";
import { Card } from "../../parts/card.js";
import { InShort } from "../../parts/in_short.js";
import { More } from "../../parts/more.js";
import { Problem } from "../../parts/problem.js";
import { Skeleton } from "../../parts/skeleton.js";
import { Table } from "../../parts/table.js";
import { href } from "../../router.js";
import { say } from "../../said.js";
import { html, useState } from "../../view.js";

const FORMATS = { csv: "CSV", ndjson: "NDJSON" };
const PAGE = { limit: 20 };

/** @param {{version: number, all: number}} props */
export function Examples({ version, all }) {
  const path = `/v1/models/${version}/examples`;
  const pages = usePages(path, { query: PAGE, idOf: (one) => `${one.source} ${one.id}` });
  return html`
    <${Card} title="Examples" note=${`${count(all)}, in the order of training`}
      actions=${html`<${Downloads} path=${path} version=${version} />`}>
      <${Problem} error=${pages.error?.away ? null : pages.error} again=${pages.refresh} />
      ${pages.items.length > 0
        ? html`<${Table} caption="Examples" columns=${COLUMNS} rows=${pages.items} keyOf=${(one) => `${one.source} ${one.id}`} />`
        : !pages.settled && html`<${Skeleton} lines=${5} />`}
      <${More} pages=${pages} />
    <//>
  `;
}

const COLUMNS = [
  { title: "Label", cell: (one) => html`<strong>${one.label}</strong>` },
  { title: "Record", cell: (one) => html`<${InShort} features=${one.features} />`, wide: true },
  { title: "About", cell: (one) => one.key },
  { title: "Source", cell: (one) => one.source },
  { title: "Said by", cell: (one) => (one.via === null ? number(null) : `${one.reviewer ?? "no name"} (${one.via})`) },
  { title: "Prediction", cell: (one) => html`<${Prediction} id=${one.prediction} />` },
  { title: "Weight", cell: (one) => number(one.weight), numeric: true },
];

function Prediction({ id }) {
  return id ? html`<a href=${href("prediction", { id })}><code>${id}</code></a>` : number(null);
}

function Downloads({ path, version }) {
  const [busy, setBusy] = useState(null);
  async function save(format) {
    setBusy(format);
    try {
      await download(path, { format }, `model-${version}-examples.${format}`);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      say(`${error.title}. ${error.detail}`, { kind: "bad" });
    } finally {
      setBusy(null);
    }
  }
  return Object.entries(FORMATS).map(
    ([format, name]) => html`
      <button type="button" key=${format} onClick=${() => save(format)} disabled=${busy !== null}>
        ${busy === format ? "Loading…" : `Download ${name}`}
      </button>
    `,
  );
}
