/** Shown on every screen while reviews couldn't be sent, or were rejected. */
import { useCell } from "../cell.js";
import { discardFailed, sendError, retryNow } from "../feedback/send_reviews.js";
import { inState, reviews } from "../feedback/kept_reviews.js";
import { plural } from "../format.js";
import { html } from "../view.js";
import { Icon } from "./icon.js";

export function Unsent() {
  const made = useCell(reviews);
  const stuck = useCell(sendError);
  const waiting = stuck ? inState(made, "waiting") : [];
  const failed = inState(made, "refused", "lost");
  return html`<div role="status" aria-live="polite">
    ${waiting.length > 0 &&
    html`<div class="banner">
      <${Icon} name="bad" />
      <p>
        <strong>${plural(waiting.length, "answer")} not sent yet.</strong> ${stuck?.error.detail} Nothing is lost: it is tried
        again by itself. Keep this tab open.
      </p>
      <button type="button" onClick=${retryNow}>Try now</button>
    </div>`}
    ${failed.length > 0 &&
    html`<div class="problem">
      <${Icon} name="bad" />
      <div>
        <p><strong>${plural(failed.length, "answer")} could not be used.</strong> ${failed.at(-1)?.why}</p>
      </div>
      <button type="button" onClick=${retryNow}>Try again</button>
      <button type="button" onClick=${discardFailed}>Let go</button>
    </div>`}
  </div>`;
}
