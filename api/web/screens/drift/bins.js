/** The bins of a spread, as a person reads them. */
import { number } from "../../format.js";

/**
 * What each bin holds: what lies above its lower edge and up to its upper one; the outer ones are open. A value that many
 * records share has a bin of its own, whose lower edge is the number right below it. Pure.
 *
 * @param {number[]} edges ascending
 * @returns {string[]} one more than edges
 */
export function binNames(edges) {
  if (!edges.length) return ["all"];
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

/** Whether nothing fits between the two but the upper one. */
function adjacent(low, high) {
  return high - low <= Math.max(Math.abs(high) * Number.EPSILON, Number.MIN_VALUE);
}
