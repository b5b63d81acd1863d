/** The progress: the counts of the answers and their states, and the model's answer to the last record. */
import { useCell } from "../../cell.js";
import { reviews } from "../../feedback/kept_reviews.js";
import { count, duration, percent } from "../../format.js";
import { sureness } from "../../parts/explanation.js";
import { Icon } from "../../parts/icon.js";
import { announce } from "../../toasts.js";
import { html, useEffect } from "../../view.js";
import { queue } from "./queue.js";
import { session, summary } from "./session.js";

/** @param {{more: number | null, atLeast: boolean}} props how many records wait besides the claimed ones */
export function ProgressStrip({ more, atLeast }) {
  const { answered, answers, undone } = useCell(session);
  const shown = useCell(queue).items[0]?.prediction;
  const made = useCell(reviews);
  const states = answers.map((one) => made.get(one.review ?? "")?.state);
  const open = states.filter((state) => state === "waiting" || state === "taken").length;
  const failed = states.filter((state) => state === "refused" || state === "lost").length;
  const { agreement, medianS } = summary(answers);
  return html`
    <div class="answered-strip">
      <ul class="tally">
        <li><strong>${count(answered)}</strong> answered</li>
        <li class=${open > 0 && "aside"}><strong>${count(answered - open - failed)}</strong> recorded</li>
        ${open > 0 && html`<li><strong>${count(open)}</strong> under way</li>`}
        ${failed > 0 && html`<li class="bad"><strong>${count(failed)}</strong> failed</li>`}
        <li class="aside" title="How often your answer is the model's, in this tab">
          <strong>${percent(agreement)}</strong> agree with the model
        </li>
        <li class="aside" title="The median, in this tab"><strong>${duration(medianS)}</strong> each</li>
        <li><strong>${moreOf(more, atLeast)}</strong> more wait</li>
      </ul>
      ${undone !== null && undone === shown
        ? html`<p class="last"><span>Your answer to this record was taken back</span></p>`
        : answers.length > 0 ? html`<${Last} answer=${answers.at(-1)} />` : html`<p class="last"></p>`}
    </div>
  `;
}

/**
 * 37; 400+ if more may wait than the API counts: the exact number would not change with the answers.
 *
 * @param {number | null} more
 * @param {boolean} atLeast
 */
export function moreOf(more, atLeast) {
  return atLeast && more !== null ? `${count(more < 100 ? more : more - (more % 100))}+` : count(more);
}

/** @param {{answer: import("./session.js").Answer}} props */
function Last({ answer: { label, model, blind, item } }) {
  const agrees = model !== null && model.label === label;
  const words = label === null ? "You couldn't tell the last one" : `You said ${label}${afterwards(model, label)}`;
  useEffect(() => {
    if (blind && model !== null && label !== null) announce(words);
  }, [item, model]);
  return html`<p class=${`last ${label === null || model === null ? "" : agrees ? "good" : "differs"}`}>
    ${label !== null && model !== null && html`<${Icon} name=${agrees ? "good" : "info"} />`}<span>${words}</span>
  </p>`;
}

/** @param {import("./queue.js").ShownAnswer | null} model @param {string} label */
function afterwards(model, label) {
  if (model === null) return "";
  const sure = model.confidence === null ? "" : `, ${sureness(model).words}`;
  return model.label === label ? `, and so had the model${sure}` : `; the model had said ${model.label}${sure}`;
}
