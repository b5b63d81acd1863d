/** Reads and checks records before they are sent: faults are reported by line. Pure. */
import { count, plural } from "../../format.js";
import { csvItems } from "./csv.js";
import { jsonItems } from "./json.js";

export const MOST = 1_000;
const TOO_MANY = `more than ${count(MOST)} records; \`relearn produce FILE\` sends any number`;
/** A number with a decimal comma. */
export const DECIMAL_COMMA = /^[+-]?\d+,\d+([eE][+-]?\d+)?$/;
/** Columns that are sent beside the features, unless a feature has that name. */
export const ALONG = ["id", "subject", "context"];
/** All columns that accompany the features, as in `relearn produce`: one batch for all records. */
export const ACCOMPANYING = [...ALONG, "batch"];
const GROUPED = /^[+-]?\d{1,3}([.,'’ \u00a0\u202f])\d{3}(\1\d{3})*([.,]\d+)?$/;

/**
 * @typedef {{line: number, words: string}} Fault
 * @typedef {{line: number, features: any, id?: string | null, subject?: string | null, context?: string | null,
 *   batch?: string | null}} Item
 * @typedef {{features: (number[] | Record<string, number>)[], ids?: (string | null)[], subjects?: (string | null)[],
 *   contexts?: (string | null)[], batch?: string}} Records the body of `POST /v1/batches`
 */

/**
 * @param {string} text
 * @param {string[] | null} names of the model's features; null: not known, so the API checks them
 * @returns {{records: Records | null, count: number, faults: Fault[]}} `records`: null if there is a fault or no record
 */
export function readRecords(text, names) {
  if (!text.trim()) return { records: null, count: 0, faults: [] };
  const { items, faults } = /^\s*[[{]/.test(text) ? jsonItems(text, names) : csvItems(text, names);
  for (const item of items) {
    const words = faultOf(item.features, names, items[0].features);
    if (words) faults.push({ line: item.line, words });
  }
  const other = items.find((item) => (item.batch ?? null) !== (items[0].batch ?? null));
  if (other) faults.push({ line: other.line, words: `another batch than in line ${items[0].line}: send each batch by itself` });
  if (items.length > MOST) faults.push({ line: items[MOST].line, words: TOO_MANY });
  if (!items.length && !faults.length) faults.push({ line: 1, words: "names alone: there is no record below them" });
  faults.sort((a, b) => a.line - b.line);
  return { records: faults.length ? null : bodyOf(items), count: items.length, faults };
}

/** @param {Item[]} items @returns {Records} */
function bodyOf(items) {
  /** @type {Record<string, any>} */
  const body = { features: items.map((item) => item.features) };
  for (const name of ALONG) {
    const values = items.map((item) => /** @type {Record<string, any>} */ (item)[name] ?? null);
    if (values.some((value) => value)) body[`${name}s`] = values;
  }
  if (items[0]?.batch) body.batch = items[0].batch;
  return /** @type {Records} */ (body);
}

/** @param {any} features @param {string[] | null} names @param {any} first */
function faultOf(features, names, first) {
  if (features === null || typeof features !== "object") return "that isn't a record: a list of numbers or an object is";
  const listed = Array.isArray(features);
  if (listed !== Array.isArray(first)) return "it isn't of the first record's form";
  const wrong = Object.entries(features).find(([, value]) => typeof value !== "number" || !Number.isFinite(value));
  if (wrong) return `${listed ? `value ${Number(wrong[0]) + 1}` : `“${wrong[0]}”`} isn't a number: ${shown(wrong[1])}${comma(wrong[1])}`;
  if (listed) {
    const [who, wanted] = names ? ["the model", names.length] : ["the first record", first.length];
    return features.length === wanted ? null : `${plural(features.length, "number")}; ${who} has ${count(wanted)}`;
  }
  return misnamed(Object.keys(features), names ?? Object.keys(first));
}

/** The fault of the feature names, null if there is none. @param {string[]} given @param {string[]} wanted */
export function misnamed(given, wanted) {
  const unknown = given.filter((name) => !wanted.includes(name));
  if (unknown.length) return `${some(unknown)}: the model has no such feature`;
  const missing = wanted.filter((name) => !given.includes(name));
  return missing.length ? `${some(missing)} ${missing.length === 1 ? "is" : "are"} missing` : null;
}

/** @param {string[]} names */
function some(names) {
  const rest = names.length - 3;
  return names.slice(0, 3).map((name) => `“${name}”`).join(", ") + (rest > 0 ? ` and ${count(rest)} more` : "");
}

/** @param {any} value */
function comma(value) {
  const grouped = GROUPED.test(value) ? "thousands separators are left out" : "";
  const decimal = DECIMAL_COMMA.test(value) ? "decimals are written with a point" : "";
  return grouped || decimal ? ` (${[decimal, grouped].filter(Boolean).join(", ")})` : "";
}

/** @param {unknown} value */
function shown(value) {
  if (value === "") return "it is empty";
  const text = typeof value === "string" ? `“${value}”` : JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
