/** Names and shares of a spread's bins. */
import { featureValue as number } from "../../format.js";

/**
 * The range of each bin: above its lower edge, up to its upper one. The outer bins are open. A value that many records share
 * has a bin of its own, whose lower edge is the next smaller number. A missing value counts as the largest number. The edges of a
 * category are codes of its levels, which mean nothing. Pure.
 *
 * @param {number[]} edges ascending
 * @param {{kind: string, missing: boolean}} [feature] undefined: a number that is never missing
 * @returns {string[]} one for each bin that may hold a record: one more than edges, unless the last edge is a missing value's
 */
export function binNames(edges, feature) {
  /** @param {number} i */
  const one = (i) => i > 0 && adjacent(edges[i - 1], edges[i]);
  if (feature?.missing) {
    const present = edges.filter((edge) => edge !== Number.MAX_VALUE);
    const apart = present.length < edges.length && one(present.length);
    const names = binNames(apart ? present.slice(0, -1) : present, { ...feature, missing: false });
    return apart ? [...names, "missing"] : [...names.slice(0, -1), `${names.at(-1)}, or missing`];
  }
  if (feature?.kind === "category") {
    return Array.from({ length: edges.length + 1 }, (_, i) => (i < edges.length && one(i) ? "one level" : "a range of levels"));
  }
  if (!edges.length) return ["all"];
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
