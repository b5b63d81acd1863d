/** Jobs and models in words: what was asked, why, and what came of it. Pure. */
import { count, duration, percent, plural } from "./format.js";

const COMMANDS = { train: "Training", activate: "Activation", rollback: "Rollback", hold: "Hold", resume: "Resume" };
export const OPEN = ["queued", "running", "shadow"];
const JOB_KINDS = { queued: "plain", running: "accent", shadow: "accent", promoted: "good", rejected: "warn", failed: "bad" };
const MODEL_KINDS = { champion: "good", shadow: "accent", rejected: "warn", "rolled-back": "bad" };
const SHOWN = 3;
const SIGNIFICANT = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 2 });
const LEAST_P = 1e-4;

/** Training; Activation of model 2. */
export function commandText({ command, requested }) {
  return requested === null ? (COMMANDS[command] ?? command) : `${COMMANDS[command] ?? command} of model ${requested}`;
}

/** @returns {{words: string, kind: string}} what `promoted` means of a command that promotes nothing: it took effect */
export function jobStateText({ command, state }) {
  const words = state === "promoted" && command !== "train" ? "took effect" : state;
  return { words, kind: JOB_KINDS[state] ?? "plain" };
}

/** @param {string} state */
export const modelKind = (state) => MODEL_KINDS[state] ?? "plain";

/**
 * Why a job was asked for. Reasons come from whoever sent the command: any of their facts may be missing, or strange.
 *
 * @param {{reason: Record<string, any>, by?: string | null}} job
 */
export function reasonText({ reason, by = null }) {
  const why = Object.hasOwn(WHY, reason.trigger) ? WHY[reason.trigger](reason) : text(reason.trigger ?? "no reason given");
  return `${why}${by ? `, by ${by}` : ""}`;
}

const WHY = {
  manual: () => "asked for by hand",
  bootstrap: ({ rows, source }) => `${amount(rows)} labelled records of ${text(source)}`,
  count: ({ corrections, corrections_needed: needed }) => `${of(corrections, needed)} corrections`,
  labels: ({ labels, labels_needed: needed }) => `${of(labels, needed)} labels`,
  rate: ({ audit_corrected: wrong, audit_rows: rows }) => `${of(wrong, rows)} audits corrected`,
  drift: ({ drifted }) => `drift in ${names(drifted)}`,
  schedule: ({ every_s: every }) => (typeof every === "number" ? `every ${duration(every)}` : "the schedule"),
  evidence: ({ champion, former, fixed, broken, rows }) =>
    `model ${text(former)} was right where model ${text(champion)} was wrong ${amount(broken)} times, ` +
    `the reverse ${amount(fixed)} times, in ${amount(rows)} audits`,
};

/** 42 s, 3 min 5 s: how long a job took; so far, where it hasn't ended. */
export function jobDuration({ started_at: from, ended_at: to }, nowMs) {
  return from ? duration(Math.max(0, (to ? Date.parse(to) : nowMs) - Date.parse(from)) / 1000) : duration(null);
}

/** fixes 12, breaks 3 of 60 records */
export const tally = ({ fixed, broken, rows }) => `fixes ${count(fixed)}, breaks ${count(broken)} of ${plural(rows, "record")}`;

/** p = 0.034; p < 0.0001 */
export const chance = (p) => (p < LEAST_P ? `p < ${SIGNIFICANT.format(LEAST_P)}` : `p = ${SIGNIFICANT.format(p)}`);

/** 62.5% right (always "1": 51.8%) */
export const shareRight = ({ accuracy, majority, majority_class: label }) =>
  `${percent(accuracy)} right (always “${label}”: ${percent(majority)})`;

/** On the rows that were loaded as labelled data, the same for one model after another; null: it wasn't measured. */
export const bootstrapShare = ({ bootstrap }) => (bootstrap?.examples ? bootstrap.right / bootstrap.examples : null);

/** a, b, c and 4 more */
export function names(given) {
  const all = Array.isArray(given) ? given.map(text) : [text(given)];
  return all.slice(0, SHOWN).join(", ") + (all.length > SHOWN ? ` and ${all.length - SHOWN} more` : "");
}

const text = (value) => String(typeof value === "object" ? JSON.stringify(value) : value).slice(0, 100);
const amount = (value) => (typeof value === "number" ? count(value) : "some");
const of = (value, needed) => (typeof needed === "number" ? `${amount(value)} of ${count(needed)}` : amount(value));
