/** Confirms whatever nobody has reviewed of a batch: asks first, tells how far it is, can be stopped. */
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

/** @param {{batch: any, said: Map<string, import("../../feedback/reviews.js").LocalReview>, onDone: () => void}} props */
export function ConfirmRest({ batch, said, onDone }) {
  const [state, setState] = useState({ busy: false, done: 0, error: null });
  const control = useRef(null);
  const left = batch.counted - batch.reviewed;
  useEffect(() => () => control.current?.abort(), []);

  async function run() {
    if (!(await confirmed(questionOf(left)))) return;
    const { signal } = (control.current = new AbortController());
    const spoken = [...said.values()].filter((one) => one.batch === batch.batch && UNRECORDED.includes(one.state));
    const onProgress = (done) => setState({ busy: true, done, error: null });
    onProgress(0);
    try {
      tell(await confirmRest(batch.batch, { spoken, reviewer: reviewerName(), signal, onProgress }));
      setState({ busy: false, done: 0, error: null });
    } catch (error) {
      if (!signal.aborted && !(error instanceof ApiError)) throw error;
      setState((now) => ({ ...now, busy: false, error: signal.aborted ? null : error }));
    }
    onDone();
  }

  if (state.busy) {
    return html`
      <span role="status">${count(state.done)} of about ${count(left)} confirmed…</span>
      <button type="button" onClick=${() => control.current.abort()}>Stop</button>
    `;
  }
  return html`
    <${Problem} error=${state.error} again=${run} />
    <button type="button" disabled=${left <= 0} onClick=${run}>
      ${left > 0 ? `Confirm the rest (${count(left)})` : "All reviewed"}
    </button>
  `;
}

function questionOf(left) {
  return {
    title: "Confirm the rest of this batch?",
    text:
      `${plural(left, "record")} that nobody has reviewed will be confirmed as the model labelled them.` +
      " Correct what is wrong first.",
    yes: `Confirm ${count(left)}`,
  };
}

function tell(done) {
  if (done > 0) showToast(`${plural(done, "record")} confirmed`, { kind: "good" });
  else showToast("Nothing was left to confirm: of what was taken back, say a label by hand");
}
