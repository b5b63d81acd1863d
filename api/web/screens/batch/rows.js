/** A batch's records, each with the model's answer and its review. */
import { usePages } from "../../resource.js";
import { named, useFeatureNames, useTextNames } from "../../model_facts.js";
import { submitReview } from "../../feedback/send_reviews.js";
import { excerpt, percent } from "../../format.js";
import { ChooseLabel } from "../../parts/choose_label.js";
import { Empty } from "../../parts/empty.js";
import { ShowMore } from "../../parts/show_more.js";
import { Picture, pictureOf } from "../../parts/picture.js";
import { Problem } from "../../parts/problem.js";
import { Skeleton } from "../../parts/skeleton.js";
import { ReviewState, reviewStateOf } from "../../parts/review_state.js";
import { Table } from "../../parts/table.js";
import { href } from "../../router.js";
import { announce } from "../../toasts.js";
import { html, useEffect, useMemo, useRef } from "../../view.js";

/** @typedef {import("../../types").ListedPrediction} Row */
/** @param {Row} row */
const idOf = ({ prediction }) => prediction;

/**
 * @param {{batch: string, query: Record<string, string>, classes: string[],
 *   local: Map<string, import("../../feedback/kept_reviews.js").LocalReview>}} props
 */
export function Rows({ batch, query, classes, local }) {
  const reviewed = query.unreviewed === "1" ? false : null;
  const pages = usePages("/v1/predictions", {
    query: { batch, label: query.label, reviewed, limit: 50 },
    on: ["batch", "correction"],
    idOf,
  });
  const names = useFeatureNames(pages.items[0]?.model);
  const texts = useTextNames();
  /** @param {Row} row */
  const now = (row) => reviewStateOf(row, local.get(row.prediction));
  /** @param {Row} row @param {string | null} label @param {string} words */
  const review = (row, label, words) => {
    submitReview(row.prediction, label, { batch, together: true });
    announce(words);
  };
  /** @type {import("../../parts/table.js").Column<Row>[]} */
  const columns = [
    { title: "Record", wide: true, cell: (row) => html`<${Named} row=${row} names=${names} texts=${texts} />` },
    { title: "Label", cell: ({ label }) => html`<strong>${label}</strong>` },
    { title: "Confidence", numeric: true, cell: ({ confidence }) => percent(confidence) },
    { title: "Review", cell: (row) => html`<${ReviewState} of=${now(row)} predicted=${row.label} />` },
    { title: "Say", cell: (row) => html`<${RowActions} row=${row} state=${now(row)} classes=${classes} onReview=${review} />` },
  ];
  if (pages.items.length === 0 && pages.settled && !pages.error && !pages.more) return html`<${NoRows} query=${query} />`;
  return html`
    <${Problem} error=${pages.error?.away ? null : pages.error} again=${pages.refresh} />
    ${pages.settled || pages.items.length > 0
      ? html`<${Table} caption=${`Records of batch ${batch}`} columns=${columns} rows=${pages.items} keyOf=${idOf} />`
      : html`<${Skeleton} lines=${5} />`}
    <${ShowMore} pages=${pages} />
  `;
}

/** @param {{row: Row, names: string[] | null, texts: Set<string>}} props */
function Named({ row: { prediction, id, subject, features }, names, texts }) {
  const values = useMemo(() => named(features, names), [names, features]);
  const picture = useMemo(() => pictureOf(values), [values]);
  const text = values.find(({ feature, value }) => value && texts.has(feature))?.value;
  return html`<span class="named">
    ${picture && html`<${Picture} picture=${picture} label="The record as a picture" />`}
    <span>
      <a href=${href("prediction", { id: prediction })}>${subject ?? id ?? prediction}</a>
      ${subject && id && html`<span class="note"> ${id}</span>`}
      ${text && html`<span class="note first-text" title=${text}>${excerpt(String(text), 120)}</span>`}
    </span>
  </span>`;
}

/**
 * @param {{row: Row, state: ReturnType<typeof reviewStateOf>, classes: string[],
 *   onReview: (row: Row, label: string | null, words: string) => void}} props
 */
function RowActions({ row, state, classes, onReview }) {
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  const acted = useRef(false);
  const name = row.subject ?? row.id ?? row.prediction;
  const own = state?.own ?? false;
  useEffect(() => {
    if (acted.current) place.current?.querySelector("button")?.focus(); // the button that had the focus is gone
    acted.current = false;
  }, [own]);
  /** @param {string | null} label @param {string} words */
  const review = (label, words) => {
    acted.current = true;
    onReview(row, label, words);
  };
  const takeBack = html`<button type="button" class="quiet" aria-label=${`Take back ${state?.label} of ${name}`}
    onClick=${() => review(null, "Taken back")}>Take back</button>`;
  const judge = html`
    <button type="button" aria-label=${`Confirm ${row.label} of ${name}`} onClick=${() => review(row.label, `Confirmed ${name}`)}>
      Confirm
    </button>
    <${ChooseLabel} name=${`Correct ${name}`} classes=${classes.filter((label) => label !== row.label)}
      onChoose=${(/** @type {string} */ label) => review(label, `Corrected ${name} to ${label}`)} />
  `;
  return html`<span class="row-actions" ref=${place}>${own ? takeBack : judge}</span>`;
}

/** @param {{query: Record<string, string>}} props */
function NoRows({ query }) {
  if (query.unreviewed === "1" && !query.label) return html`<${Empty} title="Every record is reviewed" />`;
  const filtered = query.unreviewed || query.label;
  return html`<${Empty} title=${filtered ? "None of its records is like that" : "None of its records is kept any more"} />`;
}
