/** What the page has seen since it was opened: throughput and accuracy over time, in bounded memory. */
import { cell, useCell } from "./cell.js";
import { onReading } from "./live.js";

const MOST = 1_000;
/** Longer than this between two points, nothing is known of what was in between. */
const GAP_S = 20;

/** Columns of equal length, the first of them the times in s since 1970; null: not known. */
export const NAMES = ["at", "scored", "stored", "estimate", "low", "high"];

/**
 * @typedef {Record<string, (number | null)[]>} Columns by NAMES
 * @typedef {{apartS: number, columns: Columns}} History `apartS`: points that come sooner than that are left out
 */

/** @type {History} */
export const NOTHING = { apartS: 0, columns: Object.fromEntries(NAMES.map((name) => [name, []])) };

/**
 * With one more point; thinned to every second where there are too many, from then on with so much more in between. Pure.
 *
 * @param {History} history
 * @param {Record<string, number | null>} point
 * @param {number} [most]
 * @returns {History} the same one where the point comes too soon
 */
export function added(history, point, most = MOST) {
  const last = history.columns.at.at(-1);
  if (last !== undefined && point.at - last < history.apartS) return history;
  const blank = { at: (last ?? 0) + 0.001 };
  const points = last !== undefined && point.at - last > Math.max(GAP_S, 3 * history.apartS) ? [blank, point] : [point];
  const columns = mapped((name) => [...history.columns[name], ...points.map((one) => one[name] ?? null)]);
  const { length } = columns.at;
  if (length <= most) return { ...history, columns };
  const averageS = (point.at - columns.at[0]) / (length - 1);
  const kept = (_, i) => i % 2 === (length - 1) % 2;
  return { apartS: 2 * Math.max(history.apartS, averageS), columns: mapped((name) => columns[name].filter(kept)) };
}

const mapped = (columnOf) => Object.fromEntries(NAMES.map((name) => [name, columnOf(name)]));

const history = cell(NOTHING);
export const useHistory = () => useCell(history);

let answering;
onReading("stats", ({ value, error }) => {
  if (error || !value) return;
  const { scored_per_s: scored, stored_per_s: stored, accuracy, champion } = value;
  // No line leads from one model's accuracy to another's.
  const swapped = answering !== undefined && answering !== champion?.activation;
  const { estimate = null, low = null, high = null } = (!swapped && accuracy) || {};
  answering = champion?.activation;
  history.set(added(history.get(), { at: Date.now() / 1000, scored, stored, estimate, low, high }));
});
