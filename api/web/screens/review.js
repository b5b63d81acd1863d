/** The review queue: records to review, one after the other. */
import { useCell } from "../cell.js";
import { useReviewer } from "../feedback/reviewer.js";
import { useEvents } from "../events.js";
import { atOnce } from "../parts/labels.js";
import { Screen } from "../parts/screen.js";
import { AskReviewerName, ReviewerName } from "../parts/reviewer_name.js";
import { html, useEffect, useState } from "../view.js";
import { perform } from "./review/actions.js";
import { AnswerBar } from "./review/answer_bar.js";
import { Help } from "./review/help.js";
import { keysOf, useKeys } from "./review/keys.js";
import { EmptyQueue } from "./review/empty_queue.js";
import { resumeReview, queue, fetchMore } from "./review/queue.js";
import { ShownItem } from "./review/shown_item.js";
import { ProgressStrip } from "./review/progress_strip.js";

const LEAD = "The next model learns from your answers here.";
/** Claims of other tabs expire without an event. */
const POLL_MS = 3_000;

export function Review() {
  const reviewer = useReviewer();
  const [help, setHelp] = useState(false);
  const actions = html`
    ${reviewer.entered && html`<${ReviewerName} />`}
    <button type="button" onClick=${() => setHelp(true)}>Keys <kbd aria-hidden="true">?</kbd></button>
  `;
  return html`
    <${Screen} title="Review" lead=${html`<span class="lead-of-review">${LEAD}</span>`} actions=${actions}>
      ${reviewer.entered ? html`<${Queue} onHelp=${() => setHelp(true)} />` : html`<${AskReviewerName} />`}
      ${help && html`<${Help} onClose=${() => setHelp(false)} />`}
    <//>
  `;
}

/** @param {{onHelp: () => void}} props */
function Queue({ onHelp }) {
  const { items, more, atLeast, error, settled, lapsed } = useCell(queue);
  const item = lapsed ? null : (items[0] ?? null);
  const { classes, answer } = item ?? { classes: [] };
  const keys = keysOf(classes, atOnce(classes, answer?.label, answer?.margins));
  useEffect(resumeReview, []);
  useEffect(() => {
    const timer = setInterval(() => !document.hidden && fetchMore(), POLL_MS);
    return () => clearInterval(timer);
  }, []);
  useEvents(["batch", "model", "reset"], fetchMore);
  useKeys(keys, (action) => {
    if (action.act === "help") onHelp();
    else if (lapsed && action.act === "confirm") resumeReview();
    else return perform(action, item);
    return true;
  });
  return html`
    <${ProgressStrip} more=${more} atLeast=${atLeast} />
    ${item
      ? html`<${ShownItem} key=${item.prediction} item=${item} /><${AnswerBar} item=${item} keys=${keys} />`
      : html`<${EmptyQueue} error=${error} settled=${settled} lapsed=${lapsed} />`}
  `;
}
