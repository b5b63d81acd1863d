/** What a reload of the tab doesn't lose: the records that it has claimed, and what was answered. */
import { stored } from "../../stored.js";

const NAME = "relearn.review";
/** In characters. A storage takes some five million; what was said is kept in it too. */
const MOST = 1_000_000;

/**
 * What can be used of what was found. Pure.
 *
 * @param {any} found
 * @param {number} [nowMs]
 * @returns {Record<string, any>} {}: nothing
 */
export function usable(found, nowMs = Date.now()) {
  const { items, more = null, atLeast = false, declined, answered, answers } = found ?? {};
  if (![items, declined, answers].every(Array.isArray) || !Number.isInteger(answered)) return {};
  if (!items.every(isItem) || !answers.every((one) => one && (one.item === null || isItem(one.item)))) return {};
  return { items: items.filter((one) => one.untilMs > nowMs), more, atLeast, declined, answered, answers };
}

const isItem = (one) =>
  typeof one?.prediction === "string" && one.untilMs > 0 && Array.isArray(one.features) && Array.isArray(one.classes);

/**
 * The state with so many of its records as don't take more than `most` characters: those that wait first, then those of
 * the newest answers. Pure.
 *
 * @param {{items: any[], answers: any[]}} state
 * @param {number} [most]
 */
export function bounded({ items, answers, ...rest }, most = MOST) {
  let left = most;
  const fits = (item) => item !== null && (left -= JSON.stringify(item).length) >= 0;
  const waiting = items.filter(fits);
  const newestFirst = answers.toReversed().map((one) => (fits(one.item) ? one : { ...one, item: null }));
  return { ...rest, items: waiting, answers: newestFirst.toReversed() };
}

/** Taken out as soon as it is read and put there as late as can be: a copy of an open tab doesn't show its records too. */
export const kept = usable(stored(NAME));
sessionStorage.removeItem(NAME);

/** Call `stateOf` when the page goes, and keep what it says. */
export function saveOnLeave(stateOf) {
  addEventListener("pagehide", () => sessionStorage.setItem(NAME, JSON.stringify(bounded(stateOf()))));
}
