/** Names and shares of a spread's bins. */
import { number } from "../../format.js";

/**
 * The range of each bin: above its lower edge, up to its upper one. The outer bins are open. A value that many records share
 * has a bin of its own, whose lower edge is the next smaller number. Pure.
 *
 * @param {number[]} edges ascending
 * @returns {string[]} one more than edges
 */
export function binNames(edges) {
  if (!edges.length) return ["all"];
  /** @param {number} i */
  const one = (i) => i > 0 && adjacent(edges[i - 1], edges[i]);
  return Array.from({ length: edges.length + 1 }, (_, i) => {
    const [low, high] = [edges[i - 1], edges[i]];
    if (i === edges.length) return `> ${number(low)}`;
    if (one(i)) return number(high);
    const open = one(i + 1);
    const end = number(open ? edges[i + 1] : high);
    if (i === 0) return `${open ? "<" : "≤"} ${end}`;
    return `${number(low)} to ${open ? "< " : ""}${end}`;
  });
}

/** Counts as shares of their sum. @param {number[] | null} counts @returns {number[] | null} */
export function sharesOf(counts) {
  if (!counts) return null;
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => (total ? count / total : 0));
}

/** Whether no number lies between the two. @param {number} low @param {number} high */
function adjacent(low, high) {
  return high - low <= Math.max(Math.abs(high) * Number.EPSILON, Number.MIN_VALUE);
}
