/** The answers that were given in this tab, how to take them back, and their summary. */
import { ApiError, getJson } from "../../api.js";
import { cell } from "../../cell.js";
import { submitReview } from "../../feedback/send_reviews.js";
import { forget, reviews } from "../../feedback/kept_reviews.js";
import { onEvents } from "../../events.js";
import { saveOnLeave, saved } from "./saved_state.js";
import { showAgain, declined, drop, postpone, queue } from "./queue.js";

/** Maximum number that is remembered; all are counted. */
const MAX_ANSWERS = 1_000;
/** Maximum number that can be taken back. */
const UNDOABLE = 50;

/** @typedef {import("./queue.js").Item} Item */
/**
 * @typedef {object} Answer
 * @property {string | null} review the review's id; null: the reviewer can't tell
 * @property {Item | null} item null if it is too long ago to be taken back
 * @property {string | null} label
 * @property {boolean} blind
 * @property {import("./queue.js").ShownAnswer | null} model the model's answer; null: not known (yet)
 * @property {number} tookMs
 */

/** `undone`: the prediction whose answer was taken back last, null after the next answer. */
export const session = cell({
  answered: saved.answered ?? 0,
  answers: /** @type {Answer[]} */ (saved.answers ?? []),
  undone: /** @type {string | null} */ (null),
});
saveOnLeave(() => {
  const { items, more, atLeast } = queue.get();
  const { answered, answers } = session.get();
  return { items, more, atLeast, declined: [...declined], answered, answers };
});
let shownMs = performance.now();

/** An item was drawn: its time starts. */
export function begin() {
  shownMs = performance.now();
}

/** @param {string} label */
export function answer(label) {
  const [item] = queue.get().items;
  remember(item, label, submit(item, label));
  drop();
}

/**
 * Submit a review of an item. Once the model's answer was shown, the review is no evidence.
 *
 * @param {Item} item
 * @param {string | null} label
 */
const submit = ({ prediction, batch, seen }, label) => submitReview(prediction, label, { batch, via: seen ? "volunteer" : null });

export function cantTell() {
  remember(queue.get().items[0], null, null);
  drop({ forGood: true });
}

export function skip() {
  session.set({ ...session.get(), undone: null });
  return postpone();
}

/** Take the last answer back and show its record again. @returns {Answer | null} null: there is none */
export function undo() {
  const { answers, answered } = session.get();
  const last = answers.at(-1);
  if (!last?.item) return null;
  if (last.review !== null) takeBack(last.review, last.item);
  session.set({ answered: answered - (last.review === null ? 0 : 1), answers: answers.slice(0, -1), undone: last.item.prediction });
  showAgain(last.blind && last.model ? { ...last.item, answer: last.model, blind: false, seen: true } : last.item);
  return last;
}

/** A refused review is forgotten; of any other one the label is taken back. @param {string} review @param {Item} item */
function takeBack(review, item) {
  if (reviews.get().get(review)?.state === "refused") forget(review);
  else submit(item, null);
}

/** @param {Item} item @param {string | null} label @param {string | null} review */
function remember(item, label, review) {
  const { answered, answers } = session.get();
  const made = { review, item, label, blind: item.blind, model: item.answer, tookMs: performance.now() - shownMs };
  const kept = [...answers, made].slice(-MAX_ANSWERS);
  const old = kept.at(-1 - UNDOABLE);
  if (old) kept[kept.length - 1 - UNDOABLE] = { ...old, item: null };
  session.set({ answered: answered + (review === null ? 0 : 1), answers: kept, undone: null });
}

/** The state of each review when the model's answer was read. @type {Map<string, string>} */
const revealed = new Map();
reviews.subscribe(reveal);
onEvents(["reset"], () => {
  revealed.clear();
  reveal();
});

/** Read the model's answer to blind items once the API has the review, not before. Repeated at each change of state. */
async function reveal() {
  for (const { review, item, blind, model } of session.get().answers) {
    const state = reviews.get().get(review ?? "")?.state ?? "recorded";
    const due = blind && !model && item && review !== null && ["taken", "recorded"].includes(state);
    if (!due || revealed.get(review) === state) continue;
    revealed.set(review, state);
    await readAnswer(review, item.prediction);
  }
}

/** @param {string} review @param {string} prediction */
async function readAnswer(review, prediction) {
  try {
    const { label, confidence, margins, model } = await getJson("/v1/predictions/{id}", { params: { id: prediction } });
    const { answers } = session.get();
    revealed.delete(review);
    const known = { label, confidence, margins, model, base: null };
    session.set({ ...session.get(), answers: answers.map((one) => (one.review === review ? { ...one, model: known } : one)) });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error; // read again at the next change of state
  }
}

/**
 * The summary of the answers. Pure.
 *
 * @param {Answer[]} answers
 * @returns {{agreement: number | null, medianS: number | null}} null: not known
 */
export function summary(answers) {
  const reviewed = answers.filter((one) => one.review !== null);
  const compared = reviewed.filter((one) => one.model !== null);
  const agreed = compared.filter((one) => one.model?.label === one.label).length;
  const times = reviewed.map((one) => one.tookMs).sort((a, b) => a - b);
  const middle = times.length >> 1;
  const medianMs = times.length % 2 ? times[middle] : (times[middle - 1] + times[middle]) / 2;
  return {
    agreement: compared.length ? agreed / compared.length : null,
    medianS: times.length ? medianMs / 1000 : null,
  };
}
