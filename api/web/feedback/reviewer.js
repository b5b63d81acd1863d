/** The reviewer's name, kept in local storage. When a key is sent, the key's name counts instead. */
import { cell, useCell } from "../cell.js";
import { currentKey, keysEntered } from "../api_key.js";

const NAME = "relearn.reviewer";

/** "": without a name; null: not entered yet. */
const name = cell(localStorage.getItem(NAME));

/** @param {string} given "": without a name */
export function setReviewerName(given) {
  localStorage.setItem(NAME, given);
  name.set(given);
}

/** The name as the API takes it; null: without a name. @returns {string | null} */
export const reviewerName = () => name.get() || null;

/** @returns {{entered: boolean, name: string | null, keyed: boolean}} `keyed`: the key's name counts, not this one */
export function useReviewer() {
  const given = useCell(name);
  useCell(keysEntered);
  const keyed = currentKey() !== null;
  return { entered: given !== null || keyed, name: given || null, keyed };
}
