/** The state that survives a reload of the tab: its claimed records and its answers. */
import { discard, store, stored } from "../../stored.js";

const NAME = "relearn.review";
/** Maximum size in characters. A storage takes some five million, and reviews are kept in it too. */
const MOST = 1_000_000;

/**
 * @typedef {object} SavedState
 * @property {import("./queue.js").Item[]} items
 * @property {number | null} more
 * @property {boolean} atLeast
 * @property {string[]} declined
 * @property {number} answered
 * @property {import("./session.js").Answer[]} answers
 */

/**
 * The usable part of a stored state. Pure.
 *
 * @param {any} found
 * @param {number} [nowMs]
 * @returns {Partial<SavedState>} {}: nothing is usable
 */
export function usable(found, nowMs = Date.now()) {
  const { items, more = null, atLeast = false, declined, answered, answers } = found ?? {};
  if (![items, declined, answers].every(Array.isArray) || !Number.isInteger(answered)) return {};
  if (!items.every(isItem) || !answers.every((/** @type {any} */ one) => one && (one.item === null || isItem(one.item)))) return {};
  return { items: items.filter((/** @type {any} */ one) => one.untilMs > nowMs), more, atLeast, declined, answered, answers };
}

/** @param {any} one */
const isItem = (one) =>
  typeof one?.prediction === "string" && one.untilMs > 0 && Array.isArray(one.features) && Array.isArray(one.classes);

/**
 * The state with as many of its records as fit in `most` characters: waiting ones first, then those of the newest answers.
 * Pure.
 *
 * @param {SavedState} state
 * @param {number} [most]
 * @returns {SavedState}
 */
export function bounded({ items, answers, ...rest }, most = MOST) {
  let left = most;
  /** @param {import("./queue.js").Item | null} item */
  const fits = (item) => item !== null && (left -= JSON.stringify(item).length) >= 0;
  const waiting = items.filter(fits);
  const newestFirst = answers.toReversed().map((one) => (fits(one.item) ? one : brief(one)));
  return { ...rest, items: waiting, answers: newestFirst.toReversed() };
}

/** What the figures need of an answer that can't be taken back. @param {import("./session.js").Answer} one */
const brief = (one) => ({ ...one, item: null, model: one.model && { ...one.model, margins: [] } });

/** Removed as soon as it is read, and stored as late as possible: a copy of an open tab doesn't show its records too. */
export const saved = usable(stored(NAME));
discard(NAME);

/** Save the state when the page is left. @param {() => SavedState} stateOf */
export function saveOnLeave(stateOf) {
  addEventListener("pagehide", () => store(NAME, bounded(stateOf())));
}
