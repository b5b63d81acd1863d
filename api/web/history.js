/** Throughput and accuracy over time, since the page was opened, in bounded memory. */
import { cell, useCell } from "./cell.js";
import { onReading } from "./live.js";

const MOST = 1_000;
/** Two points further apart than this are not joined by a line. */
const GAP_S = 20;

/** Columns of equal length; null: not known. */
const SERIES = /** @type {const} */ (["scored", "stored", "estimate", "low", "high"]);

/**
 * @typedef {(typeof SERIES)[number]} Name
 * @typedef {Record<Name, (number | null)[]> & {at: number[]}} Columns `at`: the times in s since 1970
 * @typedef {Partial<Record<Name, number | null>> & {at: number}} Point
 * @typedef {{apartS: number, columns: Columns}} History `apartS`: points that come sooner than that are left out
 */

/** @type {History} */
export const NOTHING = { apartS: 0, columns: columnsOf([], () => []) };

/**
 * The history with one more point. Too many points are thinned to every second one, and later ones come half as often. Pure.
 *
 * @param {History} history
 * @param {Point} point
 * @param {number} [most]
 * @returns {History} the same one where the point comes too soon
 */
export function added(history, point, most = MOST) {
  const last = history.columns.at.at(-1);
  if (last !== undefined && point.at - last < history.apartS) return history;
  /** @type {Point} */
  const blank = { at: (last ?? 0) + 0.001 };
  const points = last !== undefined && point.at - last > Math.max(GAP_S, 3 * history.apartS) ? [blank, point] : [point];
  const at = [...history.columns.at, ...points.map((one) => one.at)];
  const columns = columnsOf(at, (name) => [...history.columns[name], ...points.map((one) => one[name] ?? null)]);
  const { length } = at;
  if (length <= most) return { ...history, columns };
  const averageS = (point.at - at[0]) / (length - 1);
  /** @param {unknown} _ @param {number} i */
  const kept = (_, i) => i % 2 === (length - 1) % 2;
  const thinned = columnsOf(at.filter(kept), (name) => columns[name].filter(kept));
  return { apartS: 2 * Math.max(history.apartS, averageS), columns: thinned };
}

/** @param {number[]} at @param {(name: Name) => (number | null)[]} valuesOf @returns {Columns} */
function columnsOf(at, valuesOf) {
  const series = Object.fromEntries(SERIES.map((name) => [name, valuesOf(name)]));
  return /** @type {Columns} */ ({ at, ...series });
}

const history = cell(NOTHING);
export const useHistory = () => useCell(history);

/** @type {number | undefined} */
let activation;
onReading("stats", ({ value, error }) => {
  if (error || !value) return;
  const { scored_per_s: scored, stored_per_s: stored, accuracy, champion } = value;
  // No line leads from one model's accuracy to another's.
  const swapped = activation !== undefined && activation !== champion?.activation;
  const { estimate = null, low = null, high = null } = swapped || !accuracy ? {} : accuracy;
  activation = champion?.activation;
  history.set(added(history.get(), { at: Date.now() / 1000, scored, stored, estimate, low, high }));
});
