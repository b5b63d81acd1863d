/** Names and shares of a spread's bins. */
import { excerpt, featureValue, percent } from "../../format.js";

/** The bins after those of the levels. */
const OTHERS = ["other levels", "missing"];

/**
 * The range of each bin: above its lower edge, up to its upper one. The outer bins are open. A value that many records share
 * has a bin of its own, whose lower edge is the next smaller number. The last bin of a feature that may be missing is of the
 * records without it. Levels of a category have a bin each; without such `levels` its edges are codes, which mean nothing.
 * The numbers of a text are shares. Pure.
 *
 * @param {number[]} edges ascending
 * @param {{kind: string, missing: boolean}} [feature] undefined: a number that is never missing
 * @param {string[] | null} [levels]
 * @returns {string[]} one for each bin: one more than edges
 */
export function binNames(edges, feature, levels) {
  const number = feature?.kind === "text" ? percent : featureValue;
  if (levels) return [...levels.map(levelName), ...OTHERS].slice(0, edges.length + 1);
  /** @param {number} i */
  const one = (i) => i > 0 && adjacent(edges[i - 1], edges[i]);
  // Between the largest number that there can be and a missing value. Records that came before gaps have no such edge.
  if (feature?.missing && edges[edges.length - 1] > 1.797e308) {
    return [...binNames(edges.slice(0, -1), { ...feature, missing: false }), "missing"];
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

/** In quotes, if it could be taken for another bin. @param {string} level */
const levelName = (level) => (OTHERS.includes(level) ? `“${level}”` : excerpt(featureValue(level)));

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
