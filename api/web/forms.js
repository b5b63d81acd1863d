/** What views read of form fields. */

/**
 * An event handler that gives a field's value to `set`.
 *
 * @param {(value: string) => void} set
 */
export const onValue =
  (set) =>
  /** @param {{currentTarget: {value: string}}} event */
  (event) =>
    set(event.currentTarget.value);

/**
 * The trimmed text of a field of the form that is submitted; the browser's own submission is prevented.
 *
 * @param {Event} event
 * @param {string} name
 */
export function submittedText(event, name) {
  event.preventDefault();
  const form = /** @type {HTMLFormElement} */ (event.currentTarget);
  return String(new FormData(form).get(name) ?? "").trim();
}
