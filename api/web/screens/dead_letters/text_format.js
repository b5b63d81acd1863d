/** Bytes and JSON as readable text. Pure. */

const WIDTH = 64;
/** Few enough that a line fits beside the list, and on a phone. */
const PER_LINE = 8;
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

/** @param {string} base64 */
export function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

/** The bytes as text; null if they are no text. The last character may be cut. @param {Uint8Array} bytes */
export function textOf(bytes) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return CONTROL.test(text) ? null : text;
  } catch {
    return null;
  }
}

/** Each line: where it begins, 8 bytes in hex, the same as ASCII. @param {Uint8Array} bytes */
export function hexDump(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += PER_LINE) {
    const part = [...bytes.subarray(at, at + PER_LINE)];
    const hex = part.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const ascii = part.map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : ".")).join("");
    lines.push(`${at.toString(16).padStart(6, "0")}  ${hex.padEnd(3 * PER_LINE - 1)}  ${ascii}`);
  }
  return lines.join("\n");
}

/**
 * JSON with short values on one line, and numbers side by side, so that 64 of them don't take 64 lines.
 *
 * @param {unknown} value
 * @returns {string}
 */
export function formatJson(value, indent = "") {
  const line = onOneLine(value);
  if (line.length + indent.length <= WIDTH || !isNested(value)) return line;
  const inner = `${indent}  `;
  const parts = Array.isArray(value)
    ? value.map((item) => formatJson(item, inner))
    : Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${formatJson(item, inner)}`);
  const lines = Array.isArray(value) && !value.some(isNested) ? filled(parts, inner) : parts;
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return `${open}\n${lines.map((one) => inner + one).join(",\n")}\n${indent}${close}`;
}

/** @param {unknown} value @returns {value is object} */
const isNested = (value) => value !== null && typeof value === "object";

/** @param {unknown} value @returns {string} */
function onOneLine(value) {
  if (!isNested(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(onOneLine).join(", ")}]`;
  return `{${Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${onOneLine(item)}`).join(", ")}}`;
}

/** As many parts to a line as fit. @param {string[]} parts @param {string} indent */
function filled(parts, indent) {
  /** @type {string[]} */
  const lines = [];
  for (const part of parts) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + part.length + 2 + indent.length <= WIDTH) lines[lines.length - 1] = `${last}, ${part}`;
    else lines.push(part);
  }
  return lines;
}
