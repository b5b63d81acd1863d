/** The button that confirms the unreviewed records of a batch: with a confirmation, progress, and a way to stop. */
import { ApiError } from "../../api.js";
import { reviewerName } from "../../feedback/reviewer.js";
import { count, plural } from "../../format.js";
import { confirmed } from "../../parts/dialog.js";
import { Problem } from "../../parts/problem.js";
import { showToast } from "../../toasts.js";
import { html, useEffect, useRef, useState } from "../../view.js";
import { confirmRest } from "./confirm_requests.js";

/** States of reviews that may not be in the database yet. */
const UNRECORDED = ["waiting", "taken"];

/**
 * @param {{batch: import("../../types").Batch, local: Map<string, import("../../feedback/kept_reviews.js").LocalReview>,
 *   onDone: () => void}} props
 */
export function ConfirmRest({ batch, local, onDone }) {
  const [state, setState] = useState({ busy: false, done: 0, error: /** @type {ApiError | null} */ (null) });
  const control = useRef(/** @type {AbortController | null} */ (null));
  const left = batch.counted - batch.reviewed;
  useEffect(() => () => control.current?.abort(), []);

  async function run() {
    if (!(await confirmed(questionOf(left)))) return;
    const { signal } = (control.current = new AbortController());
    const unrecorded = [...local.values()].filter((one) => one.batch === batch.batch && UNRECORDED.includes(one.state));
    /** @param {number} done */
    const onProgress = (done) => setState({ busy: true, done, error: null });
    onProgress(0);
    try {
      report(await confirmRest(batch.batch, { unrecorded, reviewer: reviewerName(), signal, onProgress }));
      setState({ busy: false, done: 0, error: null });
    } catch (error) {
      const problem = error instanceof ApiError ? error : null;
      if (!signal.aborted && !problem) throw error;
      setState((now) => ({ ...now, busy: false, error: signal.aborted ? null : problem }));
    }
    onDone();
  }

  if (state.busy) {
    return html`
      <span role="status">${count(state.done)} of about ${count(left)} confirmed…</span>
      <button type="button" onClick=${() => control.current?.abort()}>Stop</button>
    `;
  }
  return html`
    <${Problem} error=${state.error} again=${run} />
    <button type="button" disabled=${left <= 0} onClick=${run}>
      ${left > 0 ? `Confirm the rest (${count(left)})` : "All reviewed"}
    </button>
  `;
}

/** @param {number} left */
function questionOf(left) {
  return {
    title: "Confirm the rest of this batch?",
    text:
      `${plural(left, "record")} without a review will be confirmed as the model labelled them.` +
      " Correct what is wrong first.",
    yes: `Confirm ${count(left)}`,
  };
}

/** @param {number} done */
function report(done) {
  if (done > 0) showToast(`${plural(done, "record")} confirmed`, { kind: "good" });
  else showToast("Nothing was left to confirm: records whose review was taken back need a label by hand");
}
