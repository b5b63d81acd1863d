/** A batch's records, each with what the model answered and what is said of it. */
import { usePages } from "../../resource.js";
import { named, useFeatureNames } from "../../model_facts.js";
import { submitReview } from "../../feedback/outbox.js";
import { percent } from "../../format.js";
import { ChooseLabel } from "../../parts/choose_label.js";
import { Empty } from "../../parts/empty.js";
import { More } from "../../parts/show_more.js";
import { Picture, pictureOf } from "../../parts/picture.js";
import { Problem } from "../../parts/problem.js";
import { Skeleton } from "../../parts/skeleton.js";
import { ReviewState, reviewStateOf } from "../../parts/review_state.js";
import { Table } from "../../parts/table.js";
import { href } from "../../router.js";
import { announce } from "../../toasts.js";
import { html, useEffect, useMemo, useRef } from "../../view.js";

const idOf = ({ prediction }) => prediction;

/**
 * @param {{batch: string, query: Record<string, string>, classes: string[],
 *   said: Map<string, import("../../feedback/reviews.js").LocalReview>}} props
 */
export function Rows({ batch, query, classes, said }) {
  const reviewed = query.unreviewed === "1" ? false : null;
  const pages = usePages("/v1/predictions", {
    query: { batch, label: query.label, reviewed, limit: 50 },
    on: ["batch", "correction"],
    idOf,
  });
  const names = useFeatureNames(pages.items[0]?.model);
  const now = (row) => reviewStateOf(row, said.get(row.prediction));
  const say = (row, label, words) => {
    submitReview(row.prediction, label, { batch, together: true });
    announce(words);
  };
  const columns = [
    { title: "Record", wide: true, cell: (row) => html`<${Named} row=${row} names=${names} />` },
    { title: "Label", cell: ({ label }) => html`<strong>${label}</strong>` },
    { title: "Confidence", numeric: true, cell: ({ confidence }) => percent(confidence) },
    { title: "Review", cell: (row) => html`<${ReviewState} of=${now(row)} predicted=${row.label} />` },
    { title: "Say", cell: (row) => html`<${Say} row=${row} standing=${now(row)} classes=${classes} onSay=${say} />` },
  ];
  if (pages.items.length === 0 && pages.settled && !pages.error && !pages.more) return html`<${NoRows} query=${query} />`;
  return html`
    <${Problem} error=${pages.error?.away ? null : pages.error} again=${pages.refresh} />
    ${pages.settled || pages.items.length > 0
      ? html`<${Table} caption=${`Records of batch ${batch}`} columns=${columns} rows=${pages.items} keyOf=${idOf} />`
      : html`<${Skeleton} lines=${5} />`}
    <${More} pages=${pages} />
  `;
}

function Named({ row: { prediction, id, subject, features }, names }) {
  const picture = useMemo(() => pictureOf(named(features, names)), [names, features]);
  return html`<span class="named">
    ${picture && html`<${Picture} picture=${picture} label="The record as a picture" />`}
    <span>
      <a href=${href("prediction", { id: prediction })}>${subject ?? id ?? prediction}</a>
      ${subject && id && html`<span class="note"> ${id}</span>`}
    </span>
  </span>`;
}

function Say({ row, standing, classes, onSay }) {
  const place = useRef(null);
  const acted = useRef(false);
  const name = row.subject ?? row.id ?? row.prediction;
  const own = standing?.own ?? false;
  useEffect(() => {
    if (acted.current) place.current.querySelector("button").focus(); // what had it is gone
    acted.current = false;
  }, [own]);
  const say = (label, words) => {
    acted.current = true;
    onSay(row, label, words);
  };
  const takeBack = html`<button type="button" class="quiet" aria-label=${`Take back ${standing?.label} of ${name}`}
    onClick=${() => say(null, "Taken back")}>Take back</button>`;
  const judge = html`
    <button type="button" aria-label=${`Confirm ${row.label} of ${name}`} onClick=${() => say(row.label, `Confirmed ${name}`)}>
      Confirm
    </button>
    <${ChooseLabel} name=${`Correct ${name}`} classes=${classes.filter((label) => label !== row.label)}
      onChoose=${(label) => say(label, `Corrected ${name} to ${label}`)} />
  `;
  return html`<span class="row-actions" ref=${place}>${own ? takeBack : judge}</span>`;
}

function NoRows({ query }) {
  if (query.unreviewed === "1" && !query.label) return html`<${Empty} title="Every record is reviewed" />`;
  const filtered = query.unreviewed || query.label;
  return html`<${Empty} title=${filtered ? "None of its records is like that" : "None of its records is kept any more"} />`;
}
