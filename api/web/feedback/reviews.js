/** What was said in this tab, each with how far it has come. What isn't recorded yet survives a reload. */
import { cell } from "../cell.js";
import { stored } from "../stored.js";

const NAME = "relearn.sayings";
/** Of those that are done with, so many are remembered. */
const KEPT = 2_000;

/**
 * @typedef {object} LocalReview
 * @property {string} id made here: sent twice it counts once
 * @property {string} prediction
 * @property {string | null} label null takes back
 * @property {string | null} reviewer
 * @property {string | null} comment
 * @property {"volunteer" | null} via null: as it was served
 * @property {string | null} batch what its record came with
 * @property {boolean} together said as part of a review of that whole batch
 * @property {"waiting" | "taken" | "recorded" | "refused" | "lost"} state not with the API yet, acknowledged by Kafka,
 *   in the database, not acceptable, or a dead letter
 * @property {string | null} feedback the id that it is recorded under; where it is said together that is known once it is taken
 * @property {string | null} why it was refused or lost
 * @property {number} atMs when it was said
 */

/** By id, in the order in which they were said. @type {ReturnType<typeof cell>} */
export const reviews = cell(/** @type {ReadonlyMap<string, LocalReview>} */ (restored()));

/** @param {LocalReview} saying */
export const add = (saying) => put(new Map(reviews.get()).set(saying.id, saying));

/** Nothing where it isn't known any more. @param {string} id @param {Partial<LocalReview>} part */
export function change(id, part) {
  const found = reviews.get().get(id);
  if (found) put(new Map(reviews.get()).set(id, { ...found, ...part }));
}

/** @param {string} id */
export function forget(id) {
  const left = new Map(reviews.get());
  left.delete(id);
  put(left);
}

/** @param {ReadonlyMap<string, LocalReview>} of @param {...LocalReview["state"]} states */
export const inState = (of, ...states) => [...of.values()].filter((one) => states.includes(one.state));

/** The last word on each prediction. @param {ReadonlyMap<string, LocalReview>} of @returns {Map<string, LocalReview>} */
export const latestByPrediction = (of) => new Map([...of.values()].map((one) => [one.prediction, one]));

function put(all) {
  const done = inState(all, "recorded");
  for (const { id } of done.slice(0, Math.max(0, done.length - KEPT))) all.delete(id);
  const spare = new Set(inState(all, "taken").slice(0, -KEPT));
  const open = inState(all, "waiting", "taken", "refused").filter((one) => !spare.has(one));
  sessionStorage.setItem(NAME, JSON.stringify(open));
  reviews.set(all);
}

function restored() {
  const kept = stored(NAME);
  const usable = Array.isArray(kept) ? kept.filter((one) => typeof one?.id === "string") : [];
  return new Map(usable.map((one) => [one.id, one]));
}
