/** Numbers, shares and times as the user's locale writes them. An unknown value is a dash, never 0. */

export const UNKNOWN = "–";

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const short = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 4 });
const precise = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });
const signed = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3, signDisplay: "exceptZero" });
const shares = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });
const scientific = new Intl.NumberFormat(undefined, { notation: "scientific", maximumSignificantDigits: 2 });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
// The page's language is English.
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });

/**
 * `write`, with a dash for an unknown value.
 *
 * @template T
 * @param {(value: T) => string} write
 * @returns {(value: T | null | undefined) => string}
 */
const known = (write) => (value) => (value === null || value === undefined || Number.isNaN(value) ? UNKNOWN : write(value));

/** 12,345 */
export const count = known((/** @type {number} */ value) => whole.format(value));
/** 12.3K, from 100,000 on */
export const brief = known((/** @type {number} */ value) => (Math.abs(value) < 100_000 ? whole : compact).format(value));
/** 0.1235 */
export const number = known((/** @type {number} */ value) => short.format(value));
/** Not rounded to 4 digits, from 1,000 on. @param {number} value */
function large(value) {
  const size = Math.abs(value);
  return (size < 1_000 ? short : size < 1e12 ? precise : scientific).format(value);
}

/** Levels that couldn't be seen, or seen in full. */
const UNSEEN = /^\s|\s$|^$/;
/** A feature's value as text: 0.1235, 17,282, a category's level, "missing". @param {import("./types").FeatureValue} value */
export function featureValue(value) {
  if (value === null) return "missing";
  if (typeof value === "number") return large(value);
  return UNSEEN.test(value) ? `“${value}”` : value;
}
/** A text in one line; a long one is cut. @param {string} text */
export function excerpt(text, most = 64) {
  const line = text.trim().replace(/\s+/g, " ");
  return line.length > most ? `${line.slice(0, most).replace(/[\ud800-\udbff]$/, "").trimEnd()}…` : line;
}
/** +0.124 */
export const change = known((/** @type {number} */ value) => signed.format(value));
/** A probability that may be very small: 0.031, 4.2E-12 */
export const chance = known((/** @type {number} */ value) => (value === 0 || value >= 0.001 ? short : scientific).format(value));
/** 93.8% */
export const percent = known((/** @type {number} */ value) => shares.format(value));
/** 12 /s */
export const rate = known((/** @type {number} */ value) => `${(value < 10 ? short : whole).format(value)} /s`);
/** 14:03:22, of an ISO time */
export const time = known((/** @type {string | number} */ value) => clock.format(new Date(value)));
/** 31 Jan 2026, 14:03:22 */
export const dateTime = known((/** @type {string | number} */ value) => moment.format(new Date(value)));

const UTC = /(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) UTC/g;
/** The server's text with its UTC times in the user's time zone. @param {string} words */
export const local = (words) => words.replace(UTC, (_, day, clockTime) => dateTime(`${day}T${clockTime}Z`));

/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

/** 3 min. ago. @param {string | null} value ISO @param {number} nowMs */
export function ago(value, nowMs = Date.now()) {
  if (!value) return UNKNOWN;
  const seconds = Math.min(0, (Date.parse(value) - nowMs) / 1000);
  const [unit, size] = UNITS.find(([, least]) => Math.abs(seconds) >= least) ?? UNITS[UNITS.length - 1];
  return relative.format(Math.round(seconds / size), unit);
}

/** 40 s, 3 min 5 s, 2 h 4 min */
export const duration = known((/** @type {number} */ seconds) => {
  if (seconds < 1) return `${whole.format(seconds * 1000)} ms`;
  if (seconds < 60) return `${short.format(Math.round(seconds * 10) / 10)} s`;
  const [minutes, rest] = [Math.floor(seconds / 60), Math.round(seconds % 60)];
  if (minutes < 60) return rest ? `${minutes} min ${rest} s` : `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
});

/** 1 record, 12 records @param {number | null | undefined} value @param {string} one */
export const plural = (value, one, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;
