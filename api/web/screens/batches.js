/** Recent batches, the one with the latest record first. */
import { usePages } from "../resource.js";
import { count } from "../format.js";
import { Empty } from "../parts/empty.js";
import { ShowMore } from "../parts/show_more.js";
import { Problem } from "../parts/problem.js";
import { Screen } from "../parts/screen.js";
import { Skeleton } from "../parts/skeleton.js";
import { Table } from "../parts/table.js";
import { Time } from "../parts/time.js";
import { href } from "../router.js";
import { html } from "../view.js";

/** @type {import("../parts/table.js").Column<import("../types").Item<"/v1/batches">>[]} */
const COLUMNS = [
  { title: "Batch", wide: true, cell: ({ batch }) => html`<a href=${href("batch", { id: batch })}>${batch}</a>` },
  { title: "Records", numeric: true, cell: ({ records }) => count(records) },
  { title: "First record", cell: ({ first_at }) => html`<${Time} at=${first_at} />` },
  { title: "Last record", cell: ({ last_at }) => html`<${Time} at=${last_at} />` },
];

/** @param {import("../types").Item<"/v1/batches">} item */
const idOf = ({ batch }) => batch;

export function Batches() {
  const pages = usePages("/v1/batches", { query: { limit: 50 }, on: ["batch"], idOf });
  return html`
    <${Screen} title="Batches" lead="What was sent together can be looked at, and reviewed, together.">
      <${Problem} error=${pages.error?.away ? null : pages.error} again=${pages.refresh} />
      <section class="card">${drawn(pages)}</section>
    <//>
  `;
}

/** @param {import("../resource.js").Pages<import("../types").Item<"/v1/batches">>} pages */
function drawn(pages) {
  if (pages.items.length > 0) {
    return html`
      <${Table} caption="Batches, the latest first" columns=${COLUMNS} rows=${pages.items} keyOf=${idOf} />
      <${ShowMore} pages=${pages} />
    `;
  }
  if (!pages.settled || pages.error) return html`<${Skeleton} lines=${5} />`;
  return html`<${Empty} title="No batches yet">
    <p>Records that are sent together, over HTTP or in one message, are a batch.</p>
    <a class="button primary" href=${href("try")}>Send some records</a>
  <//>`;
}
