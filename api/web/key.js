/** The API key: held for this tab alone, asked for when the API wants one. */
import { cell } from "./cell.js";

const NAME = "relearn.key";

/** While a key is asked for: why, in the API's words, and whether one was refused. @type {ReturnType<typeof cell>} */
export const wantedKey = cell(/** @type {{why: string, refused: boolean} | null} */ (null));
/** Rises when a key was given: whoever gave up for want of one tries again. */
export const keysGiven = cell(0);

/** @type {((given: boolean) => void)[]} */
let waiting = [];

export const currentKey = () => sessionStorage.getItem(NAME);

/**
 * Ask for a key; however many ask at once, there is one question.
 *
 * @param {string} why
 * @returns {Promise<boolean>} whether one was given
 */
export function askForKey(why) {
  wantedKey.set({ why, refused: currentKey() !== null });
  return new Promise((resolve) => waiting.push(resolve));
}

/** @param {string} text */
export function giveKey(text) {
  sessionStorage.setItem(NAME, text.trim());
  answer(true);
  keysGiven.set(keysGiven.get() + 1);
}

export const refuseKey = () => answer(false);

export function forgetKey() {
  sessionStorage.removeItem(NAME);
}

function answer(given) {
  const told = waiting;
  waiting = [];
  wantedKey.set(null);
  for (const resolve of told) resolve(given);
}
