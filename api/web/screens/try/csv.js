/** Reads records from CSV, with or without names in the first line. Pure. */
import { ACCOMPANYING, DECIMAL_COMMA, misnamed } from "./records.js";

/** @typedef {{line: number, cells: string[]}} Row */

const SEPARATORS = [",", ";", "\t"];
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
/** What programs write for a missing number. */
const NO_NUMBER = /^([+-]?(nan|inf|infinity)|n\/?a|null|none|)$/i;

/**
 * @param {string} text
 * @param {string[] | null} names of the features, if known
 * @returns {{items: import("./records.js").Item[], faults: import("./records.js").Fault[]}}
 */
export function csvItems(text, names) {
  const { rows, faults } = cells(text, names);
  const header = rows.length && isHeader(rows[0].cells, names) ? rows.shift() : null;
  if (!header) return { items: rows.map(({ line, cells: found }) => ({ line, features: found.map(numberOf) })), faults };
  const words = headerFault(header.cells, names);
  if (words) return { items: [], faults: [...faults, { line: header.line, words }] };
  /** @type {import("./records.js").Item[]} */
  const items = [];
  for (const row of rows) {
    if (row.cells.length === header.cells.length) items.push(named(row, header.cells, names));
    else faults.push({ line: row.line, words: `${row.cells.length} values; the first line names ${header.cells.length} columns` });
  }
  return { items, faults };
}

/** @param {Row} row @param {string[]} header @param {string[] | null} names */
function named({ line, cells: found }, header, names) {
  /** @type {Record<string, string | null>} */
  const along = {};
  /** @type {Record<string, number | string>} */
  const features = {};
  header.forEach((name, i) => {
    if (ACCOMPANYING.includes(name) && !names?.includes(name)) along[name] = found[i] || null;
    else features[name] = numberOf(found[i]);
  });
  return { line, features, ...along };
}

/**
 * Whether the first line has names: some are known, or most cells can't be numbers.
 *
 * @param {string[]} first
 * @param {string[] | null} names
 */
function isHeader(first, names) {
  const numbers = first.filter((cell) => NUMBER.test(cell) || DECIMAL_COMMA.test(cell) || NO_NUMBER.test(cell));
  return first.some((cell) => names?.includes(cell) || ACCOMPANYING.includes(cell)) || 2 * numbers.length < first.length;
}

/** The fault of the header, reported once for all lines. @param {string[]} header @param {string[] | null} names */
function headerFault(header, names) {
  const unnamed = header.indexOf("");
  if (unnamed >= 0) return `column ${unnamed + 1} has no name; give it one or leave it out`;
  const twice = header.find((name, i) => header.indexOf(name) !== i);
  if (twice !== undefined) return `two columns are named “${twice}”`;
  return names && misnamed(header.filter((name) => names.includes(name) || !ACCOMPANYING.includes(name)), names);
}

/** The number in a cell; other text stays text and is checked later. @param {string} cell */
const numberOf = (cell) => (NUMBER.test(cell) && Number.isFinite(Number(cell)) ? Number(cell) : cell);

/**
 * The cells of each line that isn't empty. Quotes as in RFC 4180; separated by comma, semicolon or tab.
 *
 * @param {string} text
 * @param {string[] | null} names
 */
function cells(text, names) {
  const separator = separatorOf(text, names);
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
 * @param {string[] | null} names
 */
function separatorOf(text, names) {
  const first = text.trimStart().split("\n", 1)[0];
  /** @param {string} one */
  const parts = (one) => first.split(one).length;
  const fitting = names && names.length > 1 && SEPARATORS.find((one) => parts(one) === names.length);
  return fitting || SEPARATORS.reduce((best, one) => (parts(one) > parts(best) ? one : best));
}
