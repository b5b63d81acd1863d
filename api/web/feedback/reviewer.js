/** Whose word it is that is said here: a name, kept on this machine. Where a key goes along, the key's name counts. */
import { cell, useCell } from "../cell.js";
import { currentKey, keysEntered } from "../api_key.js";

const NAME = "relearn.reviewer";

/** "": without a name; null: not asked yet. @type {ReturnType<typeof cell>} */
const name = cell(localStorage.getItem(NAME));

/** @param {string} given "": without a name */
export function setReviewerName(given) {
  localStorage.setItem(NAME, given);
  name.set(given);
}

/** As the API takes it; null where there is none. @returns {string | null} */
export const reviewerName = () => name.get() || null;

/** @returns {{asked: boolean, name: string | null, keyed: boolean}} `keyed`: the key's name counts, not this one */
export function useReviewer() {
  const given = useCell(name);
  useCell(keysEntered);
  const keyed = currentKey() !== null;
  return { asked: given !== null || keyed, name: given || null, keyed };
}
