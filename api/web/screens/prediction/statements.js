/** All statements about a prediction, and which of them counts. */
import { usePages } from "../../resource.js";
import { Badge } from "../../parts/badge.js";
import { Card } from "../../parts/card.js";
import { Empty } from "../../parts/empty.js";
import { ShowMore } from "../../parts/show_more.js";
import { Problem } from "../../parts/problem.js";
import { Table } from "../../parts/table.js";
import { Time } from "../../parts/time.js";
import { html } from "../../view.js";

/** @typedef {import("../../types").Statement} Statement */

/** @type {Record<string, string>} */
const VIA = {
  audit: "chosen at random",
  queue: "the model was unsure",
  disagree: "champion and shadow disagreed",
  batch: "with its whole batch",
  volunteer: "by their own choice",
};

/** @param {Statement} one */
const idOf = ({ feedback }) => feedback;
/** @param {Statement} one */
const counts = ({ superseded_by, label }) => superseded_by === null && label !== null;

/** @param {{prediction: import("../../types").Prediction}} props */
export function Statements({ prediction }) {
  const pages = usePages("/v1/predictions/{id}/feedback", {
    params: { id: prediction.prediction },
    query: { limit: 50 },
    on: ["correction"],
    idOf,
  });
  /** @type {import("../../parts/table.js").Column<Statement>[]} */
  const columns = [
    { title: "Review", cell: (one) => html`<${What} label=${one.label} predicted=${prediction.label} />` },
    { title: "By", cell: ({ reviewer }) => reviewer ?? "no name" },
    { title: "How", cell: ({ via }) => VIA[via] ?? via },
    { title: "When", cell: ({ at }) => html`<${Time} at=${at} />` },
    { title: "Comment", wide: true, cell: ({ comment }) => comment ?? "" },
    { title: "Counts", cell: (one) => (counts(one) ? html`<${Badge} kind="accent">counts<//>` : "") },
  ];
  return html`
    <${Card} title="Reviews of it" note=${prediction.disputed && "Reviewers gave different labels: the latest counts."}>
      <${Problem} error=${pages.error?.away ? null : pages.error} again=${pages.refresh} />
      ${pages.items.length > 0
        ? html`<${Table} caption="All reviews, the latest first" columns=${columns} rows=${pages.items} keyOf=${idOf} />`
        : pages.settled && !pages.error && html`<${Empty} title="There are no reviews yet" />`}
      <${ShowMore} pages=${pages} />
    <//>
  `;
}

/** @param {{label: string | null, predicted: string}} props */
function What({ label, predicted }) {
  if (label === null) return html`<${Badge}>taken back<//>`;
  return label === predicted ? html`<${Badge} kind="good">confirmed<//>` : html`<${Badge} kind="warn">it is ${label}<//>`;
}
