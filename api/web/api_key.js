/** The API key: held for this tab alone, asked for when the API wants one. */
import { cell } from "./cell.js";

const NAME = "relearn.key";

/** While a key is asked for: why, in the API's words, and whether one was refused. @type {ReturnType<typeof cell>} */
export const keyRequest = cell(/** @type {{why: string, refused: boolean} | null} */ (null));
/** Rises when a key was given: whoever gave up for want of one tries again. */
export const keysEntered = cell(0);

/** @type {((given: boolean) => void)[]} */
let waiting = [];

export const currentKey = () => sessionStorage.getItem(NAME);

/**
 * Ask for a key; however many ask at once, there is one question.
 *
 * @param {string} why
 * @returns {Promise<boolean>} whether one was given
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

export const cancelKey = () => answer(false);

export function forgetKey() {
  sessionStorage.removeItem(NAME);
}

function answer(given) {
  const told = waiting;
  waiting = [];
  keyRequest.set(null);
  for (const resolve of told) resolve(given);
}
