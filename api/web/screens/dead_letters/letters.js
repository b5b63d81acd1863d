/** The list of dead letters, the newest first. */
import { Badge } from "../../parts/badge.js";
import { Empty } from "../../parts/empty.js";
import { ShowMore } from "../../parts/show_more.js";
import { Problem } from "../../parts/problem.js";
import { Skeleton } from "../../parts/skeleton.js";
import { Table } from "../../parts/table.js";
import { Time } from "../../parts/time.js";
import { html } from "../../view.js";

/** @typedef {import("../../types").Item<"/v1/dead-letters">} ListedLetter */
/** @typedef {import("../../resource.js").Pages<ListedLetter>} LetterPages */

/**
 * @param {{pages: LetterPages, open: boolean | null, reason: string | null,
 *   shown: string | undefined, at: (change: Record<string, any>) => string}} props `shown`: the letter that is open
 */
export function Letters({ pages, open, reason, shown, at }) {
  /** @param {ListedLetter} one */
  const isShown = (one) => (String(one.id) === shown ? "true" : null);
  /** @type {import("../../parts/table.js").Column<ListedLetter>[]} */
  const columns = [
    { title: "Letter", cell: (one) => html`<a href=${at({ letter: one.id })} aria-current=${isShown(one)}>${one.id}</a>` },
    { title: "Reason", cell: (one) => html`<${Badge} kind=${one.redriven_at ? "plain" : "bad"}>${one.reason}<//>` },
    { title: "What was wrong", wide: true, cell: (one) => html`<span class="clamped">${one.error}</span>` },
    ...(shown ? [] : [{ title: "Place", cell: (/** @type {ListedLetter} */ one) => html`<code>${one.place}</code> <span class="note">${one.agent}</span>` }]),
    { title: "When", cell: (one) => html`<${Time} at=${one.at} />` },
    ...(open === true ? [] : [{ title: "Sent again", cell: (/** @type {ListedLetter} */ one) => html`<${Time} at=${one.redriven_at} />` }]),
  ];
  /** @param {ListedLetter} one */
  const classOf = (one) => isShown(one) && "chosen";
  return html`
    <${Problem} error=${pages.error?.away ? null : pages.error} again=${pages.refresh} />
    ${pages.items.length > 0
      ? html`<${Table} caption="Dead letters, the newest first" columns=${columns} rows=${pages.items} keyOf=${idOf}
          classOf=${classOf} />`
      : html`<${NoLetters} pages=${pages} open=${open} reason=${reason} at=${at} />`}
    <${ShowMore} pages=${pages} />
  `;
}

/** @param {ListedLetter} one */
const idOf = (one) => one.id;

/**
 * @param {{pages: LetterPages, open: boolean | null, reason: string | null,
 *   at: (change: Record<string, any>) => string}} props
 */
function NoLetters({ pages, open, reason, at }) {
  if (!pages.settled || pages.error) return html`<${Skeleton} />`;
  const which = open === null ? "" : open ? "open " : "sent-again ";
  if (reason) {
    return html`<${Empty} title=${`There are no ${which}dead letters of reason “${reason}”`}>
      <a href=${at({ reason: null })}>Any reason</a>
    <//>`;
  }
  if (open === null) return html`<${Empty} title="There never was a dead letter" />`;
  if (!open) return html`<${Empty} title="None was sent again so far" />`;
  return html`<${Empty} title="No dead letters are open">
    <p>Every record could be used, or was sent again since.</p>
    <a href=${at({ open: "any" })}>Show those that were sent again too</a>
  <//>`;
}
