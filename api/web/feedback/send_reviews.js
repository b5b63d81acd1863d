/** Sends the reviews: in order, one at a time, each until the API accepts or rejects it. */
import { ApiError, patchJson, postJson } from "../api.js";
import { cell } from "../cell.js";
import { confirmDeployment, doubtDeployment } from "../deployment.js";
import { backoffMs } from "../events.js";
import { newId } from "../ids.js";
import { keysEntered } from "../api_key.js";
import { interruptible } from "../pause.js";
import { isRestarting } from "../stored.js";
import { showToast } from "../toasts.js";
import { reviewerName } from "./reviewer.js";
import { add, change, forget, inState, reviews } from "./kept_reviews.js";

/** @typedef {import("./kept_reviews.js").LocalReview} LocalReview */

const RETRY_MS = 1_000;
/** Status codes that another attempt does not change. */
const FINAL = [400, 404, 405, 409, 413, 415, 422];
/** Status codes that only another key changes. */
const LOCKED = [401, 403];

/** Why sending is interrupted, and until when; null while it isn't. */
export const sendError = cell(/** @type {{error: ApiError, retryAtMs: number | null} | null} */ (null));
const pause = interruptible();
let running = false;

/**
 * Review a prediction by a label; null takes the review back.
 *
 * @param {string} prediction
 * @param {string | null} label
 * @param {{batch: string | null, together?: boolean, comment?: string | null, via?: "volunteer" | null}} more `batch`: of its
 *   record; `together`: part of a review of the whole batch; `via`: volunteer, if the review is no evidence
 * @returns {string} the review's id
 */
export function submitReview(prediction, label, { batch, together = false, comment = null, via = null }) {
  const id = newId();
  const review = { id, prediction, label, reviewer: reviewerName(), comment, via, batch, together, atMs: Date.now() };
  add({ ...review, state: "waiting", feedback: together ? null : id, why: null });
  run();
  return id;
}

/** Send the refused reviews again, and the waiting ones without a pause. */
export function retryNow() {
  for (const { id } of inState(reviews.get(), "refused")) change(id, { state: "waiting", why: null });
  pause.end();
  run();
}

/** Discard the reviews that were refused or lost. */
export function discardFailed() {
  for (const { id } of inState(reviews.get(), "refused", "lost")) forget(id);
}

async function run() {
  if (running) return;
  running = true;
  let failures = 0;
  try {
    for (;;) {
      const [next] = inState(reviews.get(), "waiting");
      if (!next) return;
      const done = (await isHere()) && (await attempt(next));
      if (isRestarting()) return;
      failures = done ? 0 : failures + 1;
      if (failures > 0) await wait(failures);
    }
  } finally {
    running = false;
  }
}

/** Whether the reviews are for the deployment that answers; false, too, where it can't be asked. */
async function isHere() {
  try {
    return await confirmDeployment();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    sendError.set({ error, retryAtMs: null });
    return false;
  }
}

/** @param {LocalReview} review @returns {Promise<boolean>} whether the review is done with */
async function attempt(review) {
  try {
    const { ids } = await send(review);
    change(review.id, { state: "taken", feedback: ids[0] });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (!FINAL.includes(error.status)) {
      doubtDeployment();
      sendError.set({ error, retryAtMs: null });
      return false;
    }
    change(review.id, { state: "refused", why: error.detail });
    showToast(`Not taken: ${error.detail}`, { kind: "bad" });
  }
  sendError.set(null);
  return true;
}

/** @param {LocalReview} review @returns {Promise<{ids: (string | null)[]}>} */
function send({ id, prediction, label, reviewer, comment, via, batch, together }) {
  if (!together) return postJson("/v1/feedback", { body: { id, prediction, label, reviewer, comment, via } });
  const body = { predictions: [prediction], labels: [label], reviewer };
  return patchJson("/v1/batches/{id}", { params: { id: String(batch) }, body, idempotencyKey: id });
}

/** @param {number} failures */
async function wait(failures) {
  const { error } = /** @type {{error: ApiError}} */ (sendError.get());
  const waitMs = LOCKED.includes(error.status) ? null : backoffMs(RETRY_MS, failures, error.retryAfterS);
  sendError.set({ error, retryAtMs: waitMs === null ? null : Date.now() + waitMs });
  await pause.wait(waitMs);
}

keysEntered.subscribe(pause.end);
addEventListener("online", pause.end);
addEventListener("beforeunload", (event) => {
  if (!isRestarting() && inState(reviews.get(), "waiting", "refused").length > 0) event.preventDefault();
});
run();
