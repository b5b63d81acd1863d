/** The API key: kept for this tab only, and requested from the user when the API requires one. */
import { cell } from "./cell.js";

const NAME = "relearn.key";

/** While a key is requested: why, in the API's words, and whether a key was rejected. Else null. */
export const keyRequest = cell(/** @type {{why: string, refused: boolean} | null} */ (null));
/** Rises when a key is entered: requests that wait for one are sent again. */
export const keysEntered = cell(0);

/** @type {((entered: boolean) => void)[]} */
let waiting = [];

export const currentKey = () => sessionStorage.getItem(NAME);

/**
 * Request a key from the user. Requests that come meanwhile share one dialog.
 *
 * @param {string} why
 * @returns {Promise<boolean>} whether a key was entered
 */
export function requestKey(why) {
  keyRequest.set({ why, refused: currentKey() !== null });
  return new Promise((resolve) => waiting.push(resolve));
}

/** @param {string} text */
export function enterKey(text) {
  sessionStorage.setItem(NAME, text.trim());
  answer(true);
  keysEntered.set(keysEntered.get() + 1);
}

let cancelled = 0;

/** How often a request for a key was cancelled. A request that is older than the last cancellation requests none. */
export const cancellations = () => cancelled;

export function cancelKey() {
  cancelled += 1;
  answer(false);
}

export function forgetKey() {
  sessionStorage.removeItem(NAME);
}

/** @param {boolean} entered */
function answer(entered) {
  const resolvers = waiting;
  waiting = [];
  keyRequest.set(null);
  for (const resolve of resolvers) resolve(entered);
}
