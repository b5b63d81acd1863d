/** Confirms the rest of a batch, request by request: each takes at most 10,000 records. */
import { ApiError, getJson, patchJson } from "../../api.js";
import { backoffMs } from "../../events.js";

const POLL_MS = 1_000;
/** Maximum number of attempts while the API is away or overloaded. */
const ATTEMPTS = 5;

/**
 * Confirm every unreviewed record of a batch. Repeatable: a repeated statement counts once.
 *
 * @param {string} batch
 * @param {object} how
 * @param {{prediction: string, label: string | null}[]} how.unrecorded reviews of its records that may not be
 *   recorded yet: sent again, since these records would be confirmed otherwise
 * @param {string | null} how.reviewer
 * @param {AbortSignal} how.signal
 * @param {(confirmed: number) => void} how.onProgress
 * @returns {Promise<number>} how many were confirmed
 * @throws {ApiError}
 */
export async function confirmRest(batch, { unrecorded, reviewer, signal, onProgress }) {
  const named = { predictions: unrecorded.map((one) => one.prediction), labels: unrecorded.map((one) => one.label) };
  const body = { reviewer, confirm_rest: true, ...(unrecorded.length > 0 ? named : {}) };
  const confirmed = new Set();
  for (;;) {
    const { ids, more } = await persistently(() => patchJson("/v1/batches/{id}", { params: { id: batch }, body, signal }), signal);
    const rest = ids.slice(unrecorded.length);
    for (const id of rest) confirmed.add(id);
    onProgress(confirmed.size);
    if (!more) return confirmed.size;
    await recorded(String(rest.at(-1)), signal);
  }
}

/**
 * The result of `attempt`, which is repeated while the API is away or overloaded.
 *
 * @template T
 * @param {() => Promise<T>} attempt
 * @param {AbortSignal} signal
 * @returns {Promise<T>}
 */
async function persistently(attempt, signal) {
  for (let failures = 1; ; failures += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof ApiError) || failures === ATTEMPTS) throw error;
      if (!error.away && error.status !== 429 && error.status < 500) throw error;
      await pause(backoffMs(POLL_MS, failures, error.retryAfterS), signal);
    }
  }
}

/** Wait until a statement is in the database or a dead letter. @param {string} id @param {AbortSignal} signal */
async function recorded(id, signal) {
  for (;;) {
    await pause(POLL_MS, signal);
    try {
      const { state } = await getJson("/v1/feedback/{id}", { params: { id }, signal });
      if (state !== "waiting") return;
    } catch (error) {
      if (!(error instanceof ApiError) || (error.status !== 404 && !error.away)) throw error;
    }
  }
}

/** @param {number} ms @param {AbortSignal} signal */
async function pause(ms, signal) {
  await new Promise((resolve) => setTimeout(resolve, ms));
  signal.throwIfAborted();
}
