/** The training examples of a model, page by page, and all of them as a file. */
import { ApiError } from "../../api.js";
import { usePages } from "../../resource.js";
import { download } from "../../download.js";
import { count, number } from "../../format.js";
import { Card } from "../../parts/card.js";
import { RecordSummary } from "../../parts/record_summary.js";
import { ShowMore } from "../../parts/show_more.js";
import { Problem } from "../../parts/problem.js";
import { Skeleton } from "../../parts/skeleton.js";
import { Table } from "../../parts/table.js";
import { href } from "../../router.js";
import { showToast } from "../../toasts.js";
import { html, useState } from "../../view.js";

const FORMATS = { csv: "CSV", ndjson: "NDJSON" };
const PAGE = { limit: 20 };
/** @param {import("../../types").Example} example */
const idOf = ({ source, id }) => `${source} ${id}`;

/** @param {{version: number, all: number}} props */
export function Examples({ version, all }) {
  const pages = usePages("/v1/models/{version}/examples", { params: { version }, query: PAGE, idOf });
  return html`
    <${Card} title="Examples" note=${`${count(all)}, in the order of training`}
      actions=${html`<${Downloads} version=${version} />`}>
      <${Problem} error=${pages.error?.away ? null : pages.error} again=${pages.refresh} />
      ${pages.items.length > 0
        ? html`<${Table} caption="Examples" columns=${COLUMNS} rows=${pages.items} keyOf=${idOf} />`
        : !pages.settled && html`<${Skeleton} lines=${5} />`}
      <${ShowMore} pages=${pages} />
    <//>
  `;
}

/** @type {import("../../parts/table.js").Column<import("../../types").Example>[]} */
const COLUMNS = [
  { title: "Label", cell: (one) => html`<strong>${one.label}</strong>` },
  { title: "Record", cell: (one) => html`<${RecordSummary} features=${one.features} />`, wide: true },
  { title: "About", cell: (one) => one.key },
  { title: "Source", cell: (one) => one.source },
  { title: "Reviewed by", cell: (one) => (one.via === null ? number(null) : `${one.reviewer ?? "no name"} (${one.via})`) },
  { title: "Prediction", cell: (one) => html`<${Prediction} id=${one.prediction} />` },
  { title: "Weight", cell: (one) => number(one.weight), numeric: true },
];

/** @param {{id: string | null}} props */
function Prediction({ id }) {
  return id ? html`<a href=${href("prediction", { id })}><code>${id}</code></a>` : number(null);
}

/** @param {{version: number}} props */
function Downloads({ version }) {
  const [busy, setBusy] = useState(/** @type {string | null} */ (null));
  /** @param {string} format */
  async function save(format) {
    setBusy(format);
    try {
      await download(`/v1/models/${version}/examples`, { format }, `model-${version}-examples.${format}`);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      showToast(`${error.title}. ${error.detail}`, { kind: "bad" });
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
