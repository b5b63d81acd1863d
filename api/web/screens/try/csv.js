/** Reads records from CSV, with or without names in the first line. Pure. */
import { ACCOMPANYING, DECIMAL_COMMA, NO_NUMBER, misnamed } from "./records.js";

/** @typedef {{line: number, cells: string[]}} Row */
/** @typedef {import("./records.js").Known} Known */

/** Characters in which the separator is looked for. */
const LOOKED = 200_000;
const SEPARATORS = [",", ";", "\t"];
/** A cell in quotes, and what is before it. */
const QUOTED = /(^|[,;\t\n])\s*(?:"[^"]*")+/g;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/**
 * @param {string} text
 * @param {Known | null} known the features by name, in their order
 * @returns {{items: import("./records.js").Item[], faults: import("./records.js").Fault[]}}
 */
export function csvItems(text, known) {
  const { rows, faults } = cells(text, known);
  const header = rows.length && isHeader(rows[0].cells, known) ? rows.shift() : null;
  if (!header) {
    const kinds = known ? [...known.values()] : [];
    /** @param {string[]} found */
    const values = (found) => found.map((cell, i) => valueOf(cell, kinds[i]));
    return { items: rows.map(({ line, cells: found }) => ({ line, features: values(found) })), faults };
  }
  const words = headerFault(header.cells, known);
  if (words) return { items: [], faults: [...faults, { line: header.line, words }] };
  /** @type {import("./records.js").Item[]} */
  const items = [];
  for (const row of rows) {
    if (row.cells.length === header.cells.length) items.push(named(row, header.cells, known));
    else faults.push({ line: row.line, words: `${row.cells.length} values; the first line names ${header.cells.length} columns` });
  }
  return { items, faults };
}

/** @param {Row} row @param {string[]} header @param {Known | null} known */
function named({ line, cells: found }, header, known) {
  /** @type {Record<string, string | null>} */
  const along = {};
  /** @type {Record<string, import("../../types").FeatureValue>} */
  const features = {};
  header.forEach((name, i) => {
    if (ACCOMPANYING.includes(name) && !known?.has(name)) along[name] = found[i] || null;
    else features[name] = valueOf(found[i], known?.get(name));
  });
  return { line, features, ...along };
}

/**
 * Whether the first line has names. Where it could be a record, with a number wherever one belongs, half of its cells must be
 * known names. Else one must be, or most cells can't be numbers; beside categories or texts, none is a number.
 *
 * @param {string[]} first
 * @param {Known | null} known
 */
function isHeader(first, known) {
  const names = first.filter((cell) => known?.has(cell) || ACCOMPANYING.includes(cell)).length;
  const features = known ? [...known.values()] : [];
  const mixed = features.some(({ kind }) => kind !== "number");
  const record = first.length === features.length && features.every(({ kind }, i) => kind !== "number" || likeNumber(first[i]));
  if (mixed && record) return 2 * names >= first.length;
  const numbers = first.filter(likeNumber).length;
  return names > 0 || (mixed ? !first.some((cell) => cell && likeNumber(cell)) : 2 * numbers < first.length);
}

/** @param {string} cell */
const likeNumber = (cell) => NUMBER.test(cell) || DECIMAL_COMMA.test(cell) || NO_NUMBER.test(cell);

/** The fault of the header, reported once for all lines. @param {string[]} header @param {Known | null} known */
function headerFault(header, known) {
  const unnamed = header.indexOf("");
  if (unnamed >= 0) return `column ${unnamed + 1} has no name; give it one or leave it out`;
  const twice = header.find((name, i) => header.indexOf(name) !== i);
  if (twice !== undefined) return `two columns are named “${twice}”`;
  return known && misnamed(header.filter((name) => known.has(name) || !ACCOMPANYING.includes(name)), known);
}

/**
 * The value in a cell of this feature: unless it is a number, any text stays text. Empty: missing. What isn't a number stays
 * text and is checked later.
 *
 * @param {string} cell
 * @param {import("../../types").SchemaFeature} [feature] undefined: not known
 */
function valueOf(cell, feature) {
  if (feature && cell === "") return null;
  if (feature && feature.kind !== "number") return cell;
  return NUMBER.test(cell) && Number.isFinite(Number(cell)) ? Number(cell) : cell;
}

/**
 * The cells of each line that isn't empty. Quotes as in RFC 4180; separated by comma, semicolon or tab.
 *
 * @param {string} text
 * @param {Known | null} known
 */
function cells(text, known) {
  const separator = separatorOf(text, known);
  /** @type {Row[]} */
  const rows = [];
  /** @type {string[]} */
  let row = [];
  let [line, begun, cell, quoted, wasQuoted] = [1, 1, "", false, false];
  const endCell = () => {
    row.push(wasQuoted ? cell : cell.trim());
    [cell, wasQuoted] = ["", false];
  };
  const endRow = () => {
    endCell();
    if (row.length > 1 || row[0] !== "") rows.push({ line: begun, cells: row });
    row = [];
  };
  for (let i = 0; i < text.length; i += 1) {
    const letter = text[i];
    if (letter === "\n") line += 1;
    if (quoted) {
      if (letter !== '"') cell += letter;
      else if (text[i + 1] === '"') cell += text[(i += 1)];
      else quoted = false;
    } else if (letter === '"' && cell.trim() === "") [quoted, wasQuoted, cell] = [true, true, ""];
    else if (letter === separator) endCell();
    else if (letter === "\n") {
      endRow();
      begun = line;
    } else if (letter !== "\r") cell += letter;
  }
  endRow();
  return { rows, faults: quoted ? [{ line: begun, words: "a quote (\") isn't closed" }] : [] };
}

/**
 * The separator that gives as many cells as the model has features, else the most frequent one.
 *
 * @param {string} text
 * @param {Known | null} known
 */
function separatorOf(text, known) {
  const first = text.slice(0, LOOKED).trimStart().replace(QUOTED, "$1").split("\n", 1)[0];
  /** @param {string} one */
  const parts = (one) => first.split(one).length;
  const fitting = known && known.size > 1 && SEPARATORS.find((one) => parts(one) === known.size);
  return fitting || SEPARATORS.reduce((best, one) => (parts(one) > parts(best) ? one : best));
}
