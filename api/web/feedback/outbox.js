/** Sends what was said: in order, one at a time, again and again until the API takes it or says that it never will. */
import { ApiError, patchJson, postJson } from "../api.js";
import { cell } from "../cell.js";
import { backoffMs } from "../events.js";
import { newId } from "../ids.js";
import { keysEntered } from "../api_key.js";
import { interruptible } from "../pause.js";
import { showToast } from "../toasts.js";
import { reviewerName } from "./reviewer.js";
import { add, change, forget, inState, reviews } from "./reviews.js";

const RETRY_MS = 1_000;
/** Status codes that another attempt does not change. */
const FINAL = [400, 404, 405, 409, 413, 415, 422];
/** Status codes that only another key changes. */
const LOCKED = [401, 403];

/** Why it stands still, and until when; null: it doesn't. @type {ReturnType<typeof cell>} */
export const trouble = cell(/** @type {{error: ApiError, retryAtMs: number | null} | null} */ (null));
const pause = interruptible();
let running = false;

/**
 * Say a label of a prediction; null takes back what was said.
 *
 * @param {string} prediction
 * @param {string | null} label
 * @param {{batch: string | null, together?: boolean, comment?: string | null, via?: "volunteer" | null}} more `batch`: of its
 *   record; `together`: as part of a review of that whole batch; `via`: that it is no evidence, whatever it was served as
 * @returns {string} the saying's id
 */
export function submitReview(prediction, label, { batch, together = false, comment = null, via = null }) {
  const id = newId();
  const said = { id, prediction, label, reviewer: reviewerName(), comment, via, batch, together, atMs: Date.now() };
  add({ ...said, state: "waiting", feedback: together ? null : id, why: null });
  run();
  return id;
}

/** Send again what was refused, and what waits at once. */
export function retryNow() {
  for (const { id } of inState(reviews.get(), "refused")) change(id, { state: "waiting", why: null });
  pause.end();
  run();
}

/** Let go of what was refused. */
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
      failures = (await attempt(next)) ? 0 : failures + 1;
      if (failures > 0) await wait(failures);
    }
  } finally {
    running = false;
  }
}

/** @returns {Promise<boolean>} whether it is done with */
async function attempt(saying) {
  try {
    const { ids } = await send(saying);
    change(saying.id, { state: "taken", feedback: ids[0] });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (!FINAL.includes(error.status)) {
      trouble.set({ error, retryAtMs: null });
      return false;
    }
    change(saying.id, { state: "refused", why: error.detail });
    showToast(`Not taken: ${error.detail}`, { kind: "bad" });
  }
  trouble.set(null);
  return true;
}

function send({ id, prediction, label, reviewer, comment, via, batch, together }) {
  if (!together) return postJson("/v1/feedback", { body: { id, prediction, label, reviewer, comment, via } });
  const body = { predictions: [prediction], labels: [label], reviewer };
  return patchJson("/v1/batches/{id}", { params: { id: batch }, body, idempotencyKey: id });
}

async function wait(failures) {
  const { error } = trouble.get();
  const waitMs = LOCKED.includes(error.status) ? null : backoffMs(RETRY_MS, failures, error.retryAfterS);
  trouble.set({ error, retryAtMs: waitMs === null ? null : Date.now() + waitMs });
  await pause.wait(waitMs);
}

keysEntered.subscribe(pause.end);
addEventListener("online", pause.end);
addEventListener("beforeunload", (event) => {
  if (inState(reviews.get(), "waiting", "refused").length > 0) event.preventDefault();
});
run();
