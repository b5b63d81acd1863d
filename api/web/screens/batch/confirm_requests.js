/** The rest of a batch, confirmed call by call: one takes 10,000 at most, and the next finds what is recorded by then. */
import { ApiError, getJson, patchJson } from "../../api.js";
import { backoffMs } from "../../events.js";

const LOOK_EVERY_MS = 1_000;
/** So often in a row a call may fail for want of something that comes back. */
const ATTEMPTS = 5;

/**
 * Confirm every record of a batch that nobody has reviewed. The same again is harmless: the same statements count once.
 *
 * @param {string} batch
 * @param {object} how
 * @param {{prediction: string, label: string | null}[]} how.spoken what was said of its records and may not be recorded
 *   yet: said again along with it, since it would be confirmed otherwise
 * @param {string | null} how.reviewer
 * @param {AbortSignal} how.signal
 * @param {(confirmed: number) => void} how.onProgress
 * @returns {Promise<number>} how many were confirmed
 * @throws {ApiError}
 */
export async function confirmRest(batch, { spoken, reviewer, signal, onProgress }) {
  const named = { predictions: spoken.map((one) => one.prediction), labels: spoken.map((one) => one.label) };
  const body = { reviewer, confirm_rest: true, ...(spoken.length > 0 ? named : {}) };
  const confirmed = new Set();
  for (;;) {
    const { ids, more } = await persistently(() => patchJson("/v1/batches/{id}", { params: { id: batch }, body, signal }), signal);
    const rest = ids.slice(spoken.length);
    for (const id of rest) confirmed.add(id);
    onProgress(confirmed.size);
    if (!more) return confirmed.size;
    await recorded(rest.at(-1), signal);
  }
}

/** What `attempt` comes to; a server that is away for a moment doesn't end it. */
async function persistently(attempt, signal) {
  for (let failures = 1; ; failures += 1) {
    try {
      return await attempt();
    } catch (error) {
      const passes = error instanceof ApiError && (error.away || error.status === 429 || error.status >= 500);
      if (!passes || failures === ATTEMPTS) throw error;
      await pause(backoffMs(LOOK_EVERY_MS, failures, error.retryAfterS), signal);
    }
  }
}

/** Until a statement is in the database, or it is known never to be. */
async function recorded(id, signal) {
  for (;;) {
    await pause(LOOK_EVERY_MS, signal);
    try {
      const { state } = await getJson("/v1/feedback/{id}", { params: { id }, signal });
      if (state !== "waiting") return;
    } catch (error) {
      if (!(error instanceof ApiError) || (error.status !== 404 && !error.away)) throw error;
    }
  }
}

async function pause(ms, signal) {
  await new Promise((resolve) => setTimeout(resolve, ms));
  signal.throwIfAborted();
}
