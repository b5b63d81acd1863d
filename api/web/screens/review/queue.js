/** The records that this tab has claimed: read ahead, so that the next one is there at once. */
import { ApiError, getJson } from "../../api.js";
import { cell } from "../../cell.js";
import { kept } from "./saved_state.js";

/** So many are asked for at once, as soon as fewer than LOW are left. */
const LIMIT = 10;
const LOW = 5;
/** Where there weren't as many as were asked for, it is asked again no sooner than this. */
const APART_MS = 1_000;
const DECLINED = 1_000;
/** What is brought back stays for so long at least: of what somebody has spoken of once, nobody else is asked. */
const HELD_MS = 60_000;

/**
 * @typedef {object} Item the API's item, and
 * @property {number} untilMs until when nobody else gets it (`Date.now()`)
 * @property {boolean} [seen] it was blind, and the model's answer was seen since
 */

/**
 * `items`: the first is the one that is shown. `more`: how many wait besides, null: not known; `atLeast`: or even more.
 * `lapsed`: nobody answered until the claim of the one that was shown ran out; nothing is claimed before somebody goes on.
 */
const { items = [], more = null, atLeast = false } = kept;
/** @type {ReturnType<typeof cell>} */
export const queue = cell({ items, more, atLeast, error: null, settled: false, lapsed: false });
const put = (part) => queue.set({ ...queue.get(), ...part });

/** What this reviewer can't tell: not shown again in this tab. @type {Set<string>} */
export const declined = new Set(kept.declined);
let asking = false;
let notBeforeMs = 0;
let timer = null;

/** Somebody is here, and answers. */
export function resumeReview() {
  put({ items: unexpired(queue.get().items), lapsed: false });
  watch();
  fetchMore();
}

/** Ask for more where few are left. */
export async function fetchMore() {
  if (asking || queue.get().lapsed || queue.get().items.length >= LOW || Date.now() < notBeforeMs) return;
  asking = true;
  const askedMs = Date.now();
  try {
    const answer = await getJson("/v1/review-queue", { query: { limit: LIMIT } });
    if (answer.items.length < LIMIT) notBeforeMs = Date.now() + APART_MS;
    const untilMs = askedMs + 1000 * answer.claimed_for_s;
    const items = joined(queue.get().items, answer.items, untilMs);
    put({ items, more: answer.waiting, atLeast: answer.waiting_at_least, error: null, settled: true });
    watch();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    notBeforeMs = Date.now() + APART_MS;
    put({ error, settled: true });
  } finally {
    asking = false;
  }
}

/** The shown one is done with. @param {{forGood?: boolean}} [how] `forGood`: it isn't to come again in this tab */
export function drop({ forGood = false } = {}) {
  const [item, ...items] = queue.get().items;
  if (forGood) declined.add(item.prediction);
  if (declined.size > DECLINED) declined.delete(declined.values().next().value);
  put({ items });
  fetchMore();
}

/** The shown one goes behind all others. */
export function postpone() {
  const [item, ...items] = queue.get().items;
  put({ items: [...items, item] });
}

/** Show it now, again. @param {Item} item */
export function showAgain(item) {
  declined.delete(item.prediction);
  const held = { ...item, untilMs: Math.max(item.untilMs, Date.now() + HELD_MS) };
  put({ items: [held, ...queue.get().items.filter((one) => one.prediction !== item.prediction)], lapsed: false });
  watch();
}

function joined(items, found, untilMs) {
  const fresh = found.filter(
    ({ prediction }) => !declined.has(prediction) && !items.some((one) => one.prediction === prediction),
  );
  return [...items, ...fresh.map((item) => ({ ...item, untilMs }))];
}

const unexpired = (items) => items.filter((item) => item.untilMs > Date.now());

/** What is claimed no longer is dropped: somebody else may have it. */
function watch() {
  clearTimeout(timer);
  const { items } = queue.get();
  if (items.length === 0) return;
  timer = setTimeout(lapse, Math.max(0, Math.min(...items.map((item) => item.untilMs)) - Date.now()));
}

function lapse() {
  const { items, lapsed } = queue.get();
  const left = unexpired(items);
  put({ items: left, lapsed: lapsed || (items.length > 0 && left[0] !== items[0]) });
  watch();
}
