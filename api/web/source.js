/** Something that is read from the API, and read again when it may have changed: never more than once a second. */
import { ApiError } from "./api.js";
import { cell } from "./cell.js";

const APART_MS = 1_000;

/**
 * @typedef {object} Reading
 * @property {any} value the last good answer, null before the first; it stays while a later attempt fails
 * @property {ApiError | null} error why the last attempt failed
 * @property {boolean} settled whether there was any attempt yet
 */

/** @type {Reading} */
export const UNREAD = { value: null, error: null, settled: false };

/**
 * @param {(signal: AbortSignal) => Promise<any>} read
 * @param {number} [apartMs]
 */
export function source(read, apartMs = APART_MS) {
  const reading = cell(UNREAD);
  const control = new AbortController();
  let wanted = false;
  let busy = false;
  let timer = null;
  let beganMs = -Infinity;

  function plan() {
    if (!wanted || busy || timer !== null || control.signal.aborted) return;
    timer = setTimeout(run, Math.max(0, beganMs + apartMs - performance.now()));
  }

  async function run() {
    timer = null;
    wanted = false;
    busy = true;
    beganMs = performance.now();
    try {
      const value = await read(control.signal);
      if (!control.signal.aborted) reading.set({ value, error: null, settled: true });
    } catch (error) {
      if (control.signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      reading.set({ ...reading.get(), error, settled: true });
    } finally {
      busy = false;
      plan();
    }
  }

  return {
    reading,
    /** Read it again, soon. However often that is said meanwhile, it is read once. */
    refresh() {
      wanted = true;
      plan();
    },
    /** Put a value in before the API tells it: the next answer replaces it. */
    assume: (value) => reading.set({ ...reading.get(), value }),
    /** Nobody needs it any more. */
    close() {
      control.abort();
      clearTimeout(timer);
    },
  };
}
