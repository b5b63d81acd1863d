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
/** What programs write for a missing number. */
export const NO_NUMBER = /^([+-]?(nan|inf|infinity)|n\/?a|null|none|)$/i;
/** @type {Record<string, number>} */
const MOST_BYTES = { category: 256, text: 65_536 };
const GROUPED = /^[+-]?\d{1,3}([.,'’ \u00a0\u202f])\d{3}(\1\d{3})*([.,]\d+)?$/;

/**
 * @typedef {import("../../types").SchemaFeature} Feature
 * @typedef {Map<string, Feature>} Known the features by name, in their order
 * @typedef {{has: (name: string) => boolean} | null} Names null: not known
 * @typedef {{line: number, words: string}} Fault
 * @typedef {{line: number, features: any, id?: string | null, subject?: string | null, context?: string | null,
 *   batch?: string | null}} Item
 * @typedef {{features: import("../../types").Features[], ids?: (string | null)[], subjects?: (string | null)[],
 *   contexts?: (string | null)[], batch?: string}} Records the body of `POST /v1/batches`
 */

/**
 * @param {string} text
 * @param {Feature[] | null} schema the features; null: not known, so that the API checks values in JSON, and CSV is of numbers
 * @returns {{records: Records | null, count: number, faults: Fault[]}} `records`: null if there is a fault or no record
 */
export function readRecords(text, schema) {
  if (!text.trim()) return { records: null, count: 0, faults: [] };
  const known = schema && new Map(schema.map((feature) => [feature.name, feature]));
  const json = /^\s*[[{]/.test(text);
  const { items, faults } = json ? jsonItems(text, known) : csvItems(text, known);
  const check = checker(known, items[0]?.features, json ? anyFault : numberFault);
  for (const item of items) {
    const words = check(item.features);
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

/**
 * A function that returns the fault of a record, null if there is none.
 *
 * @param {Known | null} known
 * @param {any} first the first record
 * @param {(value: unknown) => string | null} unknownFault the fault of a value while no kinds are known
 */
function checker(known, first, unknownFault) {
  const ordered = known && [...known.values()];
  const names = known ?? new Map(Object.keys(first ?? {}).map((name) => [name, { missing: false }]));
  const [who, wanted] = ordered ? ["the model", ordered.length] : ["the first record", first?.length];
  /** @param {any} features */
  return (features) => {
    if (features === null || typeof features !== "object") return "that isn't a record: a list of values or an object is";
    const listed = Array.isArray(features);
    if (listed !== Array.isArray(first)) return "it isn't of the first record's form";
    if (listed && features.length !== wanted) return `${plural(features.length, "value")}; ${who} has ${count(wanted)}`;
    const misfit = listed ? null : misnamed(Object.keys(features), names);
    if (misfit) return misfit;
    for (const [key, value] of Object.entries(features)) {
      const feature = listed ? ordered?.[Number(key)] : known?.get(key);
      const words = feature ? valueFault(value, feature) : unknownFault(value);
      if (words) return `${listed && !feature ? `value ${Number(key) + 1}` : `“${feature?.name ?? key}”`} ${words}`;
    }
    return null;
  };
}

/** @param {unknown} value @param {Feature} feature */
function valueFault(value, { kind, missing }) {
  if (value === null) return missing ? null : "is missing, and may not be";
  if (kind === "number") return numberFault(value, missing);
  if (typeof value !== "string") return `is a ${kind}: ${kind === "text" ? "" : "a text "}in quotes, not ${shown(value)}`;
  const bytes = new TextEncoder().encode(value).length;
  const most = MOST_BYTES[kind];
  return bytes > most ? `is ${count(bytes)} bytes long; a ${kind === "text" ? "text" : "category's text"} has at most ${count(most)}` : null;
}

/** @param {unknown} value */
function numberFault(value, missing = false) {
  if (Number.isFinite(value)) return null;
  return `isn't a number: ${shown(value)}${hint(value, missing)}`;
}

/** @param {unknown} value */
const anyFault = (value) =>
  value === null || typeof value === "string" || Number.isFinite(value) ? null : `isn't a number, a text or null: ${shown(value)}`;

/**
 * The fault of the feature names, null if there is none.
 *
 * @param {string[]} given
 * @param {Map<string, {missing: boolean}>} wanted
 */
export function misnamed(given, wanted) {
  const unknown = given.filter((name) => !wanted.has(name));
  if (unknown.length) return `${some(unknown)}: the model has no such feature`;
  const missing = [...wanted].filter(([name, one]) => !one.missing && !given.includes(name)).map(([name]) => name);
  return missing.length ? `${some(missing)} ${missing.length === 1 ? "is" : "are"} missing` : null;
}

/** @param {string[]} names */
export function some(names) {
  const rest = names.length - 3;
  return names.slice(0, 3).map((name) => `“${name}”`).join(", ") + (rest > 0 ? ` and ${count(rest)} more` : "");
}

/** @param {any} value @param {boolean} missing whether it may be */
function hint(value, missing) {
  const grouped = GROUPED.test(value) ? "thousands separators are left out" : "";
  const decimal = DECIMAL_COMMA.test(value) ? "decimals are written with a point" : "";
  const gap = missing && NO_NUMBER.test(value) ? "leave it empty where it is missing" : "";
  const words = [decimal, grouped, gap].filter(Boolean).join(", ");
  return words && ` (${words})`;
}

/** @param {unknown} value */
function shown(value) {
  if (value === "") return "it is empty";
  const text = typeof value === "string" ? `“${value}”` : typeof value === "number" ? String(value) : JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
