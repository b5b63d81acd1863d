/** The records that this tab has claimed, fetched ahead of time. */
import { ApiError, postJson } from "../../api.js";
import { cell } from "../../cell.js";
import { saved } from "./saved_state.js";

/** How many are fetched at once, as soon as fewer than LOW are left. */
const LIMIT = 10;
const LOW = 5;
/** Minimum interval between requests when the API had fewer than LIMIT. */
const INTERVAL_MS = 1_000;
const DECLINED = 1_000;
/** Minimum time for which an item that is shown again is kept: it is no longer offered to other reviewers. */
const HELD_MS = 60_000;

/** @typedef {import("../../types").QueueItem} QueueItem */
/**
 * @typedef {Omit<QueueItem, "answer"> & {answer: ShownAnswer | null, untilMs: number, seen?: boolean}} Item the API's item;
 *   `untilMs`: when the claim expires (`Date.now()`); `seen`: it was blind, and the model's answer was shown since
 * @typedef {Omit<NonNullable<QueueItem["answer"]>, "base"> & {base: number | null}} ShownAnswer `base`: null if not known
 */

/**
 * @typedef {object} Queue
 * @property {Item[]} items the first one is shown
 * @property {number | null} more how many other records wait; null: not known
 * @property {boolean} atLeast whether more than `more` may wait
 * @property {ApiError | null} error
 * @property {boolean} settled
 * @property {boolean} lapsed the claim of the shown item expired without an answer: nothing is claimed until the reviewer resumes
 */

const { items = [], more = null, atLeast = false } = saved;
export const queue = cell(/** @type {Queue} */ ({ items, more, atLeast, error: null, settled: false, lapsed: false }));
/** @param {Partial<Queue>} part */
const put = (part) => queue.set({ ...queue.get(), ...part });

/** Items that this reviewer can't label: not shown again in this tab. @type {Set<string>} */
export const declined = new Set(saved.declined);
let fetching = false;
let notBeforeMs = 0;
/** @type {number | undefined} */
let timer;

/** The reviewer is present: drop expired items and fetch more. */
export function resumeReview() {
  put({ items: unexpired(queue.get().items), lapsed: false });
  watch();
  fetchMore();
}

/** Fetch more when few are left. */
export async function fetchMore() {
  if (fetching || queue.get().lapsed || queue.get().items.length >= LOW || Date.now() < notBeforeMs) return;
  fetching = true;
  const askedMs = Date.now();
  try {
    const answer = await postJson("/v1/review-queue", { body: { limit: LIMIT } });
    if (answer.items.length < LIMIT) notBeforeMs = Date.now() + INTERVAL_MS;
    const untilMs = askedMs + 1000 * answer.claimed_for_s;
    const items = joined(queue.get().items, answer.items, untilMs);
    put({ items, more: answer.waiting, atLeast: answer.waiting_at_least, error: null, settled: true });
    watch();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    notBeforeMs = Date.now() + INTERVAL_MS;
    put({ error, settled: true });
  } finally {
    fetching = false;
  }
}

/** Remove the shown item. @param {{forGood?: boolean}} [how] `forGood`: it isn't shown again in this tab */
export function drop({ forGood = false } = {}) {
  const [item, ...items] = queue.get().items;
  if (forGood) declined.add(item.prediction);
  if (declined.size > DECLINED) declined.delete(String(declined.values().next().value));
  put({ items });
  fetchMore();
}

/** Move the shown item behind all others. */
export function postpone() {
  const [item, ...items] = queue.get().items;
  put({ items: [...items, item] });
}

/** Show an item again, now. @param {Item} item */
export function showAgain(item) {
  declined.delete(item.prediction);
  const held = { ...item, untilMs: Math.max(item.untilMs, Date.now() + HELD_MS) };
  put({ items: [held, ...queue.get().items.filter((one) => one.prediction !== item.prediction)], lapsed: false });
  watch();
}

/** @param {Item[]} items @param {QueueItem[]} found @param {number} untilMs @returns {Item[]} */
function joined(items, found, untilMs) {
  const fresh = found.filter(
    ({ prediction }) => !declined.has(prediction) && !items.some((one) => one.prediction === prediction),
  );
  return [...items, ...fresh.map((item) => ({ ...item, untilMs }))];
}

/** @param {Item[]} items */
const unexpired = (items) => items.filter((item) => item.untilMs > Date.now());

/** Drop items when their claims expire: other reviewers may get them. */
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
