/** What was answered in this tab: each answer, how to take it back, and what they come to. */
import { ApiError, getJson } from "../../api.js";
import { cell } from "../../cell.js";
import { submitReview } from "../../feedback/outbox.js";
import { forget, reviews } from "../../feedback/reviews.js";
import { onEvents } from "../../events.js";
import { saveOnLeave, kept } from "./saved_state.js";
import { showAgain, declined, drop, postpone, queue } from "./queue.js";

/** So many are remembered; all are counted. */
const KEPT = 1_000;
/** So many can be taken back. */
const UNDOABLE = 50;

/**
 * @typedef {object} Answer
 * @property {string | null} review its id; null: the reviewer can't tell
 * @property {import("./queue.js").Item | null} item null where it is too long ago to be taken back
 * @property {string | null} label
 * @property {boolean} blind
 * @property {NonNullable<import("./queue.js").Item["answer"]> | null} model what it had said; null: not known (yet)
 * @property {number} tookMs
 */

/** @type {ReturnType<typeof cell>} */
export const session = cell({ answered: kept.answered ?? 0, answers: /** @type {Answer[]} */ (kept.answers ?? []) });
saveOnLeave(() => {
  const { items, more, atLeast } = queue.get();
  const { answered, answers } = session.get();
  return { items, more, atLeast, declined: [...declined], answered, answers: answers.slice(-UNDOABLE) };
});
let shownMs = performance.now();

/** An item was drawn: the clock begins. */
export function begin() {
  shownMs = performance.now();
}

/** @param {string} label */
export function answer(label) {
  const [item] = queue.get().items;
  keep(item, label, sayOf(item, label));
  drop();
}

/** Who has seen the model's answer isn't blind any more: what they say then is no evidence, whatever it was served as. */
const sayOf = ({ prediction, batch, seen }, label) => submitReview(prediction, label, { batch, via: seen ? "volunteer" : null });

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
  if (last.review !== null) takeBack(last);
  session.set({ answered: answered - (last.review === null ? 0 : 1), answers: answers.slice(0, -1) });
  showAgain(last.blind && last.model ? { ...last.item, answer: last.model, blind: false, seen: true } : last.item);
  return last;
}

/** What was refused never counted; anything else may have arrived. */
function takeBack({ review, item }) {
  if (reviews.get().get(review)?.state === "refused") forget(review);
  else sayOf(item, null);
}

function keep(item, label, review) {
  const { answered, answers } = session.get();
  const made = { review, item, label, blind: item.blind, model: item.answer, tookMs: performance.now() - shownMs };
  const kept = [...answers, made].slice(-KEPT);
  const old = kept.at(-1 - UNDOABLE);
  if (old) kept[kept.length - 1 - UNDOABLE] = { ...old, item: null };
  session.set({ answered: answered + (review === null ? 0 : 1), answers: kept });
}

/** How far each review had come when what the model had said was asked for. @type {Map<string, string>} */
const revealed = new Map();
reviews.subscribe(reveal);
onEvents(["reset"], () => {
  revealed.clear();
  reveal();
});

/** Of blind items, what the model had said: once the answer is with the API, not before. Asked again at each step. */
async function reveal() {
  for (const { review, item, blind, model } of session.get().answers) {
    const state = reviews.get().get(review)?.state ?? "recorded";
    const due = blind && !model && item && review !== null && ["taken", "recorded"].includes(state);
    if (!due || revealed.get(review) === state) continue;
    revealed.set(review, state);
    await tell(review, item.prediction);
  }
}

async function tell(review, prediction) {
  try {
    const { label, confidence, margins, model } = await getJson("/v1/predictions/{id}", { params: { id: prediction } });
    const { answers, answered } = session.get();
    revealed.delete(review);
    const known = { label, confidence, margins, model, base: null };
    session.set({ answered, answers: answers.map((one) => (one.review === review ? { ...one, model: known } : one)) });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error; // it is asked for again as soon as more is known
  }
}

/**
 * What the answers come to. Pure.
 *
 * @param {Answer[]} answers
 * @returns {{agreement: number | null, medianS: number | null}} null: there is nothing to tell it from
 */
export function summary(answers) {
  const said = answers.filter((one) => one.review !== null);
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
