/** Sends all open dead letters again, or all of one reason, and follows the progress to the end. */
import { ApiError, postJson } from "../../api.js";
import { confirmed } from "../../parts/dialog.js";
import { announce } from "../../toasts.js";
import { html, useEffect, useRef, useState } from "../../view.js";
import { wordsOf } from "./redrive_result.js";

/**
 * @typedef {object} Run
 * @property {number} sent
 * @property {{id: number, detail: string}[]} refused
 * @property {"running" | "done" | "stopped"} state
 * @property {ApiError | null} error
 */

/**
 * @param {string | null} reason null: of every reason
 * @param {() => void} onEnd
 * @returns {{run: Run | null, start: () => Promise<void>, stop: () => void, forget: () => void}}
 */
export function useRedriveAll(reason, onEnd) {
  const [run, setRun] = useState(/** @type {Run | null} */ (null));
  const stopped = useRef(false);
  const stop = () => void (stopped.current = true);
  useEffect(() => stop, []);

  async function start() {
    const which = reason ? ` of reason “${reason}”` : "";
    const text = html`
      <p>All open dead letters${which} go to the topics that they came from again, the oldest first.</p>
      <p>
        The workers read them as new records. What still can't be used comes back as a new letter. What was sent is marked: it
        isn't sent twice.
      </p>
    `;
    if (!(await confirmed({ title: "Send all again?", text, yes: "Send them again" }))) return;
    stopped.current = false;
    const end = await redriven(reason, () => stopped.current, setRun);
    announce(wordsOf(end));
    onEnd();
  }

  return { run, start, stop, forget: () => setRun(null) };
}

/**
 * Request after request until no letter is left, a request fails, or the user stops it.
 *
 * @param {string | null} reason
 * @param {() => boolean} isStopped
 * @param {(run: Run) => void} onProgress called after each request
 * @returns {Promise<Run>}
 */
async function redriven(reason, isStopped, onProgress) {
  /** @type {Run} */
  let run = { sent: 0, refused: [], state: "running", error: null };
  /** @type {number | null} */
  let after = null;
  while (run.state === "running") {
    onProgress(run);
    /** @type {{reason?: string, after?: number}} */
    const body = { ...(reason ? { reason } : {}), ...(after === null ? {} : { after }) };
    try {
      /** @type {import("../../types").Answer<"post", "/v1/redrive">} */
      const found = await postJson("/v1/redrive", { body });
      run = { ...run, sent: run.sent + found.acknowledged, refused: [...run.refused, ...found.refused] };
      after = found.next;
      if (after === null) run.state = "done";
      else if (isStopped()) run.state = "stopped";
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      run = { ...run, state: "stopped", error };
    }
  }
  onProgress(run);
  return run;
}
