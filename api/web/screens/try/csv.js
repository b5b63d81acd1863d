/** Records typed or pasted as CSV, with names in the first line or without. Pure. */
import { ALONG } from "./records.js";

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/**
 * @param {string} text
 * @param {string[] | null} names of the features, where they are known
 * @returns {{items: import("./records.js").Item[], faults: import("./records.js").Fault[]}}
 */
export function csvItems(text, names) {
  const { rows, faults } = cells(text);
  const header = rows.length && isHeader(rows[0].cells, names) ? rows.shift() : null;
  if (!header) return { items: rows.map(({ line, cells: found }) => ({ line, features: found.map(numberOf) })), faults };
  const twice = header.cells.find((name, i) => header.cells.indexOf(name) !== i);
  if (twice !== undefined) faults.push({ line: header.line, words: `two columns are named “${twice}”` });
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

/** Names, where all are known as such, or where some can't be numbers. */
function isHeader(first, names) {
  return first.every((cell) => names?.includes(cell) || ALONG.includes(cell)) || first.some((cell) => cell && !NUMBER.test(cell));
}

/** The number in a cell; what isn't one stays text, for whoever checks it. */
const numberOf = (cell) => (NUMBER.test(cell) ? Number(cell) : cell);

/** The cells of each line that isn't empty. Quotes as in RFC 4180; separated by comma, semicolon or tab. */
function cells(text) {
  const separator = separatorOf(text);
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

function separatorOf(text) {
  const first = text.trimStart().split("\n", 1)[0];
  const times = (one) => first.split(one).length;
  return [",", ";", "\t"].reduce((best, one) => (times(one) > times(best) ? one : best));
}
