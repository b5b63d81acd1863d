/** Records typed or pasted as JSON: an array of them, one alone, or one after the other. Pure. */
import { ALONG } from "./records.js";

/**
 * @param {string} text
 * @param {string[] | null} names of the features, where they are known
 * @returns {{items: import("./records.js").Item[], faults: import("./records.js").Fault[]}}
 */
export function jsonItems(text, names) {
  const items = [];
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

/** Features as they are, or in `features`, as records on the stream have them. */
function itemOf(line, value, names) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return { line, features: value };
  const own = names?.includes("features") || typeof value.features !== "object";
  const features = own ? { ...value } : value.features;
  const along = {};
  for (const name of ALONG) {
    if (names?.includes(name) || !(name in value)) continue;
    along[name] = value[name] === null ? null : String(value[name]);
    if (own) delete features[name];
  }
  return { line, features, ...along };
}

/** The text of each record, and the line that it begins in: what an outer array holds, unless that is one record itself. */
function recordsIn(text) {
  const whole = pieces(text);
  const only = whole.length === 1 ? whole[0] : null;
  if (!only?.text.startsWith("[") || !only.text.endsWith("]")) return whole;
  const inner = pieces(only.text.slice(1, -1), only.line);
  return inner.length && inner.every((piece) => /^[[{]/.test(piece.text)) ? inner : [only];
}

/** What commas, or nothing, part outside of brackets and quotes. */
function pieces(text, line = 1) {
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
