/** The keys of the review screen. */
import { useEffect, useRef } from "../../view.js";

const DIGIT = /^\d$/;
const TYPED_IN = "input, textarea, select, [contenteditable]";

/**
 * The key of each label. A label that is a digit has its own key; of other labels the first nine that are shown have their
 * number, unless a digit is a label too. Pure.
 *
 * @param {string[]} classes
 * @param {string[]} [shown] the labels that are shown
 * @returns {Map<string, string>} by label
 */
export function keysOf(classes, shown = classes) {
  if (classes.every((label) => DIGIT.test(label))) return new Map(classes.map((label) => [label, label]));
  if (classes.some((label) => DIGIT.test(label))) return new Map();
  return new Map(shown.slice(0, 9).map((label, i) => [label, String(i + 1)]));
}

/** @typedef {"confirm" | "cantTell" | "skip" | "undo" | "help" | "find"} Act */
/** @typedef {{act: "label", label: string} | {act: Act}} Action */

/** @type {Record<string, Act>} */
const ACTS = { enter: "confirm", c: "confirm", t: "cantTell", s: "skip", u: "undo", "?": "help", "/": "find" };

/**
 * The action of a key stroke; null: none. Pure.
 *
 * @param {{key: string, ctrlKey: boolean, metaKey: boolean, altKey: boolean}} stroke
 * @param {Map<string, string>} keys by label
 * @returns {Action | null}
 */
export function actOf({ key, ctrlKey, metaKey, altKey }, keys) {
  const pressed = key.toLowerCase();
  if (ctrlKey || metaKey || altKey) return (ctrlKey || metaKey) && !altKey && pressed === "z" ? { act: "undo" } : null;
  const label = [...keys].find(([, digit]) => digit === key)?.[0];
  if (label !== undefined) return { act: "label", label };
  const act = ACTS[pressed];
  return act ? { act } : null;
}

/**
 * Call `handler` with the action of each key stroke; not in a text field, while a dialog is open, or for a key that is held
 * down. `handler` returns whether it did anything.
 *
 * @param {Map<string, string>} keys by label
 * @param {(action: Action) => boolean} handler
 */
export function useKeys(keys, handler) {
  const latest = useRef(/** @type {(event: KeyboardEvent) => void} */ (() => {}));
  latest.current = (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (event.defaultPrevented || event.repeat || document.querySelector("dialog[open]")) return;
    if (target?.matches(TYPED_IN)) return;
    if (event.key === "Enter" && target?.closest("button, a, summary")) return; // the element handles the key itself
    const action = actOf(event, keys);
    if (action && handler(action)) event.preventDefault();
  };
  useEffect(() => {
    /** @param {KeyboardEvent} event */
    const listener = (event) => latest.current(event);
    addEventListener("keydown", listener);
    return () => removeEventListener("keydown", listener);
  }, []);
}
