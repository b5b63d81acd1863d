/** Texts that describe jobs and models: the command, its reason, and its outcome. Pure. */
import { count, duration, percent, plural } from "./format.js";

/** @type {Record<string, string>} */
const COMMANDS = { train: "Training", import: "Import", activate: "Activation", rollback: "Rollback", hold: "Hold", resume: "Resume", schema: "Change of features" };
export const OPEN = ["queued", "running", "shadow"];
/** Commands that make a challenger. */
export const CHALLENGES = ["train", "import"];
/** @type {Record<string, string>} */
const JOB_KINDS = { queued: "plain", running: "accent", shadow: "accent", promoted: "good", superseded: "plain", rejected: "warn", failed: "bad" };
/** @type {Record<string, string>} */
const MODEL_KINDS = { champion: "good", shadow: "accent", rejected: "warn", "rolled-back": "bad" };
const SHOWN = 3;
const SIGNIFICANT = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 2 });
const LEAST_P = 1e-4;

/** Training; Activation of model 2. @param {{command: string, requested: number | null}} job */
export function commandText({ command, requested }) {
  return requested === null ? (COMMANDS[command] ?? command) : `${COMMANDS[command] ?? command} of model ${requested}`;
}

/**
 * A job's state as text. `promoted` of a command that promotes no model means that it took effect.
 *
 * @param {{command: string, state: string}} job
 * @returns {{words: string, kind: string}}
 */
export function jobStateText({ command, state }) {
  const words = state === "promoted" && !CHALLENGES.includes(command) ? "took effect" : state;
  return { words, kind: JOB_KINDS[state] ?? "plain" };
}

/** @param {string} state */
export const modelKind = (state) => MODEL_KINDS[state] ?? "plain";

/**
 * Why a command was sent. A reason comes from the command's sender: any of its facts may be missing or of another type.
 *
 * @param {{reason: import("./types").Reason, by?: string | null}} job
 */
export function reasonText({ reason, by = null }) {
  const { trigger } = reason;
  const known = trigger !== undefined && Object.hasOwn(WHY, trigger);
  const why = known ? WHY[trigger](reason) : text(trigger ?? "no reason given");
  return `${why}${by ? `, by ${by}` : ""}`;
}

const BY_POLICY = ["count", "labels", "rate", "drift", "schedule"];

/**
 * Who sent a job's command. Without API keys there are no names.
 *
 * @param {{by: string | null, reason: import("./types").Reason}} job
 */
export function senderText({ by, reason: { trigger } }) {
  if (by !== null) return by;
  if (BY_POLICY.includes(trigger ?? "")) return "the policy";
  return trigger === "evidence" ? "the automatic rollback" : "a sender without a name";
}

/** @type {Record<string, (reason: import("./types").Reason) => string>} */
const WHY = {
  manual: () => "asked for by hand",
  bootstrap: ({ rows, source }) => `${amount(rows)} labelled records of ${text(source)}`,
  import: ({ file, estimator, knows_labels: knows }) =>
    `${text(estimator ?? "a model")} from the file ${text(file)}${knows ? ", trained on labels of this namespace" : ""}`,
  count: ({ corrections, corrections_needed: needed }) => `${of(corrections, needed)} corrections`,
  labels: ({ labels, labels_needed: needed }) => `${of(labels, needed)} labels`,
  rate: ({ audit_corrected: wrong, audit_rows: rows }) => `${of(wrong, rows)} audits corrected`,
  drift: ({ drifted }) => `drift in ${names(drifted)}`,
  schedule: ({ every_s: every }) => (typeof every === "number" ? `every ${duration(every)}` : "the schedule"),
  evidence: ({ champion, former, fixed, broken, rows }) =>
    `model ${text(former)} was right where model ${text(champion)} was wrong ${amount(broken)} times, ` +
    `the reverse ${amount(fixed)} times, in ${amount(rows)} audits`,
};

/**
 * 42 s, 3 min 5 s: how long a job took, or has taken so far.
 *
 * @param {{started_at: string | null, ended_at: string | null}} job
 * @param {number} nowMs
 */
export function jobDuration({ started_at: from, ended_at: to }, nowMs) {
  return from ? duration(Math.max(0, (to ? Date.parse(to) : nowMs) - Date.parse(from)) / 1000) : duration(null);
}

/** fixes 12, breaks 3 of 60 records @param {{fixed?: number, broken?: number, rows?: number}} counts */
export const tally = ({ fixed, broken, rows }) => `fixes ${count(fixed)}, breaks ${count(broken)} of ${plural(rows, "record")}`;

/** p = 0.034; p < 0.0001 @param {number} p */
export const chance = (p) => (p < LEAST_P ? `p < ${SIGNIFICANT.format(LEAST_P)}` : `p = ${SIGNIFICANT.format(p)}`);

/** 62.5% right (always "1": 51.8%) @param {import("./types").TrainingMetrics} metrics */
export const shareRight = ({ accuracy, majority, majority_class: label }) =>
  `${percent(accuracy)} right (always “${label}”: ${percent(majority)})`;

/**
 * What the figures of a model were measured on.
 *
 * @param {import("./types").TrainingMetrics} metrics
 */
export const measuredOn = ({ imported, examples }) =>
  !imported ? "on examples that it was not trained on" : examples ? `on ${count(examples)} labelled records of here` : "no labelled record";

/**
 * The share of right answers on the bootstrap rows, which all models have in common; null: it wasn't measured.
 *
 * @param {import("./types").TrainingMetrics} metrics
 * @returns {number | null}
 */
export const bootstrapShare = ({ bootstrap }) => (bootstrap?.examples ? (bootstrap.right ?? 0) / bootstrap.examples : null);

/** a, b, c and 4 more @param {unknown} given */
export function names(given) {
  const all = Array.isArray(given) ? given.map(text) : [text(given)];
  return all.slice(0, SHOWN).join(", ") + (all.length > SHOWN ? ` and ${all.length - SHOWN} more` : "");
}

/** @param {unknown} value */
const text = (value) => String(typeof value === "object" ? JSON.stringify(value) : value).slice(0, 100);
/** @param {unknown} value */
const amount = (value) => (typeof value === "number" ? count(value) : "some");
/** @param {unknown} value @param {unknown} needed */
const of = (value, needed) => (typeof needed === "number" ? `${amount(value)} of ${count(needed)}` : amount(value));
