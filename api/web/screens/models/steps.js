/** The progress of an open training. */
import { useNow } from "../../now.js";
import { html } from "../../view.js";
import { jobDuration } from "../../descriptions.js";

const STEPS = [
  ["queued", "Asked for"],
  ["running", "Training"],
  ["shadow", "Shadow"],
  ["ended", "Judged"],
];

/** @param {{job: import("../../types").Job}} props not every training becomes a shadow */
export function Steps({ job }) {
  const now = useNow();
  const at = STEPS.findIndex(([state]) => state === job.state);
  /** @param {number} i */
  const kind = (i) => (i < at ? "done" : i === at ? "now" : "");
  return html`
    <section class="card" aria-label="Progress">
      <ol class="steps">
        ${STEPS.map(
          ([state, name], i) => html`
            <li key=${state} class=${kind(i)} aria-current=${i === at ? "step" : null}>
              ${name} ${i === at && html`<span class="note">${job.started_at && jobDuration(job, now)}</span>`}
            </li>
          `,
        )}
      </ol>
    </section>
  `;
}
