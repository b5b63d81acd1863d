/** Reads records from JSON: an array, a single record, or one after the other. Pure. */
import { ACCOMPANYING } from "./records.js";

/**
 * @param {string} text
 * @param {import("./records.js").Names} names of the features, if known
 * @returns {{items: import("./records.js").Item[], faults: import("./records.js").Fault[]}}
 */
export function jsonItems(text, names) {
  /** @type {import("./records.js").Item[]} */
  const items = [];
  /** @type {import("./records.js").Fault[]} */
  const faults = [];
  for (const piece of recordsIn(text)) {
    try {
      items.push(itemOf(piece.line, JSON.parse(piece.text), names));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      faults.push({ line: piece.line, words: `that isn't JSON: ${error.message}` });
    }
  }
  return { items, faults };
}

/**
 * A record: its features alone, or in `features` as in the stream's messages.
 *
 * @param {number} line
 * @param {any} value
 * @param {import("./records.js").Names} names
 */
function itemOf(line, value, names) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return { line, features: value };
  const own = names?.has("features") || typeof value.features !== "object";
  const features = own ? { ...value } : value.features;
  /** @type {Record<string, string | null>} */
  const along = {};
  for (const name of ACCOMPANYING) {
    if (names?.has(name) || !(name in value)) continue;
    along[name] = value[name] === null ? null : String(value[name]);
    if (own) delete features[name];
  }
  return { line, features, ...along };
}

/**
 * The text of each record and its first line: the items of an outer array, unless that is itself one record.
 *
 * @param {string} text
 */
function recordsIn(text) {
  const whole = pieces(text);
  const only = whole.length === 1 ? whole[0] : null;
  if (!only?.text.startsWith("[") || !only.text.endsWith("]")) return whole;
  const inner = pieces(only.text.slice(1, -1), only.line);
  return inner.length && inner.every((piece) => /^[[{]/.test(piece.text)) ? inner : [only];
}

/** The values that are separated by commas or nothing, outside of brackets and quotes. @param {string} text */
function pieces(text, line = 1) {
  /** @type {{line: number, text: string}[]} */
  const found = [];
  let [piece, begun, depth, quoted, escaped] = ["", line, 0, false, false];
  const end = () => {
    if (piece.trim()) found.push({ line: begun, text: piece.trim() });
    piece = "";
  };
  for (const letter of text) {
    if (!piece.trim()) begun = line;
    if (letter === "\n") line += 1;
    if (quoted) [quoted, escaped] = [letter !== '"' || escaped, letter === "\\" && !escaped];
    else if (letter === '"') quoted = true;
    else if (letter === "[" || letter === "{") depth += 1;
    else if (letter === "]" || letter === "}") depth -= 1;
    if (letter === "," && depth === 0 && !quoted) end();
    else piece += letter;
    if ((letter === "]" || letter === "}") && depth === 0 && !quoted) end();
  }
  end();
  return found;
}
