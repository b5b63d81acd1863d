/** The result of sending all again: how many were sent, and those that could not be sent, with the error. */
import { count, plural } from "../../format.js";
import { Card } from "../../parts/card.js";
import { Problem } from "../../parts/problem.js";
import { html } from "../../view.js";

const MOST_LISTED = 200;

/** @param {import("./redrive_all.js").Run} run */
export function wordsOf({ sent, refused, state }) {
  const left = refused.length ? `, ${count(refused.length)} could not be sent` : "";
  if (state === "running") return `Sending… ${plural(sent, "letter")} so far${left}.`;
  const others = state === "stopped" ? " Others are still open." : " Those that can't be used even now come back as new letters.";
  return `${plural(sent, "letter")} ${sent === 1 ? "was" : "were"} sent again${left}.${others}`;
}

/**
 * @param {{run: import("./redrive_all.js").Run, stop: () => void, forget: () => void,
 *   at: (change: Record<string, any>) => string}} props
 */
export function RedriveResult({ run, stop, forget, at }) {
  const busy = run.state === "running";
  const shown = run.refused.slice(0, MOST_LISTED);
  const action = html`<button type="button" onClick=${busy ? stop : forget}>${busy ? "Stop" : "Dismiss"}</button>`;
  return html`
    <${Card} title=${{ running: "Sending again", done: "Sent again", stopped: "Stopped" }[run.state]} actions=${action}>
      <${Problem} error=${run.error} />
      <p>${wordsOf(run)}</p>
      ${shown.length > 0 &&
      html`<ul class="refused">
        ${shown.map((one) => html`<li key=${one.id}><a href=${at({ letter: one.id })}>Letter ${one.id}</a>: ${one.detail}</li>`)}
      </ul>`}
      ${run.refused.length > shown.length && html`<p class="note">And ${count(run.refused.length - shown.length)} others.</p>`}
    <//>
  `;
}
