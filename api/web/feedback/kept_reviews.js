/** The reviews that were made in this tab, each with its state. Those that aren't recorded yet survive a reload. */
import { cell } from "../cell.js";
import { store, stored } from "../stored.js";

const NAME = "relearn.sayings";
/** Maximum number of finished reviews that are remembered. */
const MAX_FINISHED = 2_000;

/**
 * @typedef {object} LocalReview
 * @property {string} id made by the page: a review that is sent twice counts once
 * @property {string} prediction
 * @property {string | null} label null takes the review back
 * @property {string | null} reviewer
 * @property {string | null} comment
 * @property {"volunteer" | null} via null: as the record was served
 * @property {string | null} batch the batch of its record
 * @property {boolean} together part of a review of the whole batch
 * @property {"waiting" | "taken" | "recorded" | "refused" | "lost"} state not with the API yet, acknowledged by Kafka,
 *   in the database, rejected by the API, or a dead letter
 * @property {string | null} feedback the id that it is recorded under; of a batch's review it is known once it is taken
 * @property {string | null} why it was refused or lost
 * @property {number} atMs when it was made
 */

/** By id, in the order in which they were made. */
export const reviews = cell(/** @type {ReadonlyMap<string, LocalReview>} */ (restored()));

/** @param {LocalReview} review */
export const add = (review) => put(new Map(reviews.get()).set(review.id, review));

/** Change a review, if it is still known. @param {string} id @param {Partial<LocalReview>} part */
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

/**
 * The last review of each prediction.
 *
 * @param {ReadonlyMap<string, LocalReview>} of
 * @returns {Map<string, LocalReview>}
 */
export const latestByPrediction = (of) => new Map([...of.values()].map((one) => [one.prediction, one]));

/** @param {Map<string, LocalReview>} all */
function put(all) {
  const done = inState(all, "recorded");
  for (const { id } of done.slice(0, Math.max(0, done.length - MAX_FINISHED))) all.delete(id);
  const spare = new Set(inState(all, "taken").slice(0, -MAX_FINISHED));
  const open = inState(all, "waiting", "taken", "refused").filter((one) => !spare.has(one));
  store(NAME, open);
  reviews.set(all);
}

/** @returns {Map<string, LocalReview>} */
function restored() {
  const kept = stored(NAME);
  const usable = Array.isArray(kept) ? kept.filter((one) => typeof one?.id === "string") : [];
  return new Map(usable.map((one) => [one.id, one]));
}
