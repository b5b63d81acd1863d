/** Records typed or pasted as CSV, with names in the first line or without. Pure. */
import { ALONG, DECIMAL_COMMA, misnamed } from "./records.js";

const SEPARATORS = [",", ";", "\t"];
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
/** What programs write where there is no number. */
const NO_NUMBER = /^([+-]?(nan|inf|infinity)|n\/?a|null|none|)$/i;

/**
 * @param {string} text
 * @param {string[] | null} names of the features, where they are known
 * @returns {{items: import("./records.js").Item[], faults: import("./records.js").Fault[]}}
 */
export function csvItems(text, names) {
  const { rows, faults } = cells(text, names);
  const header = rows.length && isHeader(rows[0].cells, names) ? rows.shift() : null;
  if (!header) return { items: rows.map(({ line, cells: found }) => ({ line, features: found.map(numberOf) })), faults };
  const words = headerFault(header.cells, names);
  if (words) return { items: [], faults: [...faults, { line: header.line, words }] };
  const items = [];
  for (const row of rows) {
    if (row.cells.length === header.cells.length) items.push(named(row, header.cells, names));
    else faults.push({ line: row.line, words: `${row.cells.length} values; the first line names ${header.cells.length} columns` });
  }
  return { items, faults };
}

function named({ line, cells: found }, header, names) {
  const item = { line, features: {} };
  header.forEach((name, i) => {
    if (ALONG.includes(name) && !names?.includes(name)) item[name] = found[i] || null;
    else item.features[name] = numberOf(found[i]);
  });
  return item;
}

/** Names, where some are known as such, or where most can't be numbers: a bad number among good ones is none. */
function isHeader(first, names) {
  const numbers = first.filter((cell) => NUMBER.test(cell) || DECIMAL_COMMA.test(cell) || NO_NUMBER.test(cell));
  return first.some((cell) => names?.includes(cell) || ALONG.includes(cell)) || 2 * numbers.length < first.length;
}

/** What is wrong with the names, once for all lines. */
function headerFault(header, names) {
  const twice = header.find((name, i) => header.indexOf(name) !== i);
  if (twice !== undefined) return `two columns are named “${twice}”`;
  return names && misnamed(header.filter((name) => names.includes(name) || !ALONG.includes(name)), names);
}

/** The number in a cell; what isn't one stays text, for whoever checks it. */
const numberOf = (cell) => (NUMBER.test(cell) && Number.isFinite(Number(cell)) ? Number(cell) : cell);

/** The cells of each line that isn't empty. Quotes as in RFC 4180; separated by comma, semicolon or tab. */
function cells(text, names) {
  const separator = separatorOf(text, names);
  const rows = [];
  let [line, begun, row, cell, quoted, wasQuoted] = [1, 1, [], "", false, false];
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

/** The one that parts the first line into as many cells as the model has features, else the one that it has most of. */
function separatorOf(text, names) {
  const first = text.trimStart().split("\n", 1)[0];
  const parts = (one) => first.split(one).length;
  const fitting = names?.length > 1 && SEPARATORS.find((one) => parts(one) === names.length);
  return fitting || SEPARATORS.reduce((best, one) => (parts(one) > parts(best) ? one : best));
}
