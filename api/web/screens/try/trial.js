/** One trial: records that are sent to the stream or scored at once, with the answer so far. */
import { ApiError, postJson } from "../../api.js";
import { newId } from "../../ids.js";
import { useRef, useState } from "../../view.js";

/**
 * @typedef {"stream" | "once"} Mode through the stream, where they are stored; or scored at once, where nothing is
 *
 * @typedef {object} Trial
 * @property {Mode} mode
 * @property {import("./records.js").Records} records
 * @property {string} about the source of the records, as text
 * @property {string} key the idempotency key, the same for each attempt
 * @property {any} answer of the API; null: not yet
 * @property {ApiError | null} error
 */

/**
 * @returns {{trial: Trial | null, busy: boolean, begin: (mode: Mode, make: () => Promise<Made | null>) => Promise<void>,
 *   again: () => Promise<void>, error: ApiError | null}}
 * @typedef {{records: import("./records.js").Records, about: string}} Made
 */
export function useTrial() {
  const [trial, setTrial] = useState(/** @type {Trial | null} */ (null));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(/** @type {ApiError | null} */ (null));
  const running = useRef(false);

  /**
   * Start a trial, unless one is running. `make` returns the records, or null if there are none.
   *
   * @param {Mode} mode
   * @param {() => Promise<Made | null>} make
   */
  async function begin(mode, make) {
    await alone(async () => {
      const made = await make();
      if (made) await send({ mode, ...made, key: newId(), answer: null, error: null });
    });
  }

  /** @param {Trial} next */
  async function send(next) {
    setTrial(next);
    try {
      setTrial({ ...next, error: null, answer: await sent(next) });
    } catch (problem) {
      if (!(problem instanceof ApiError)) throw problem;
      setTrial({ ...next, error: problem });
    }
  }

  /** @param {() => Promise<void>} work */
  async function alone(work) {
    if (running.current) return;
    running.current = true;
    setBusy(true);
    setError(null);
    try {
      await work();
    } catch (problem) {
      if (!(problem instanceof ApiError)) throw problem;
      setError(problem);
    } finally {
      running.current = false;
      setBusy(false);
    }
  }

  return { trial, busy, error, begin, again: () => alone(async () => void (trial && (await send(trial)))) };
}

/** @param {Trial} trial @returns {Promise<any>} */
function sent({ mode, records, key }) {
  if (mode === "once") return postJson("/v1/predict", { body: { features: records.features } });
  return postJson("/v1/batches", { body: records, idempotencyKey: key });
}
