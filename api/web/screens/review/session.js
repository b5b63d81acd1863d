/** What was answered in this tab: each answer, how to take it back, and what they come to. */
import { ApiError, ask } from "../../api.js";
import { cell } from "../../cell.js";
import { sayLabel } from "../../feedback/outbox.js";
import { forget, sayings } from "../../feedback/sayings.js";
import { bringBack, drop, postpone, queue } from "./queue.js";

/** So many are remembered; all are counted. */
const KEPT = 1_000;
/** So many can be taken back. */
const UNDOABLE = 50;

/**
 * @typedef {object} Answer
 * @property {string | null} saying its id; null: the reviewer can't tell
 * @property {import("./queue.js").Item | null} item null where it is too long ago to be taken back
 * @property {string | null} label
 * @property {boolean} blind
 * @property {{label: string, confidence: number | null} | null} model what it had said; null: not known (yet)
 * @property {number} tookMs
 */

/** @type {ReturnType<typeof cell>} */
export const session = cell({ answered: 0, answers: /** @type {Answer[]} */ ([]) });
let shownMs = performance.now();

/** An item was drawn: the clock begins. */
export function begin() {
  shownMs = performance.now();
}

/** @param {string} label */
export function answer(label) {
  const [item] = queue.get().items;
  keep(item, label, sayLabel(item.prediction, label, { batch: item.batch }));
  drop();
  if (item.blind) reveal(item.prediction);
}

export function cantTell() {
  keep(queue.get().items[0], null, null);
  drop({ forGood: true });
}

export const skip = postpone;

/** Take the last answer back, and show its record again. @returns {Answer | null} null: there is none */
export function undo() {
  const { answers, answered } = session.get();
  const last = answers.at(-1);
  if (!last?.item) return null;
  if (last.saying !== null) takeBack(last);
  session.set({ answered: answered - (last.saying === null ? 0 : 1), answers: answers.slice(0, -1) });
  bringBack(last.item);
  return last;
}

/** What was refused never counted; anything else may have arrived. */
function takeBack({ saying, item }) {
  if (sayings.get().get(saying)?.state === "refused") forget(saying);
  else sayLabel(item.prediction, null, { batch: item.batch });
}

function keep(item, label, saying) {
  const { answered, answers } = session.get();
  const model = item.answer && { label: item.answer.label, confidence: item.answer.confidence };
  const made = { saying, item, label, blind: item.blind, model, tookMs: performance.now() - shownMs };
  const kept = [...answers, made].slice(-KEPT);
  const old = kept.at(-1 - UNDOABLE);
  if (old) kept[kept.length - 1 - UNDOABLE] = { ...old, item: null };
  session.set({ answered: answered + (saying === null ? 0 : 1), answers: kept });
}

/** Of a blind item, what the model had said. Not to know it does no harm. */
async function reveal(prediction) {
  try {
    const { label, confidence } = await ask(`/v1/predictions/${prediction}`);
    const { answers, answered } = session.get();
    const told = (one) => (one.item?.prediction === prediction ? { ...one, model: { label, confidence } } : one);
    session.set({ answered, answers: answers.map(told) });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
}

/**
 * What the answers come to. Pure.
 *
 * @param {Answer[]} answers
 * @returns {{agreement: number | null, medianS: number | null}} null: there is nothing to tell it from
 */
export function summary(answers) {
  const said = answers.filter((one) => one.saying !== null);
  const compared = said.filter((one) => one.model !== null);
  const agreed = compared.filter((one) => one.model.label === one.label).length;
  const times = said.map((one) => one.tookMs).sort((a, b) => a - b);
  const middle = times.length >> 1;
  const medianMs = times.length % 2 ? times[middle] : (times[middle - 1] + times[middle]) / 2;
  return {
    agreement: compared.length ? agreed / compared.length : null,
    medianS: times.length ? medianMs / 1000 : null,
  };
}
