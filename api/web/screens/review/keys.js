/** What each key does on the review screen. */
import { useEffect, useRef } from "../../view.js";

const DIGIT = /^\d$/;
const TYPED_IN = "input, textarea, select, [contenteditable]";

/**
 * The key of each label. Labels that are digits have their own; of others the first nine that stand there have their number,
 * unless a digit is a label as well: it would say another one. Pure.
 *
 * @param {string[]} classes
 * @param {string[]} [shown] those that stand there
 * @returns {Map<string, string>} by label
 */
export function keysOf(classes, shown = classes) {
  if (classes.every((label) => DIGIT.test(label))) return new Map(classes.map((label) => [label, label]));
  if (classes.some((label) => DIGIT.test(label))) return new Map();
  return new Map(shown.slice(0, 9).map((label, i) => [label, String(i + 1)]));
}

/**
 * What a key stroke asks for; null: nothing. Pure.
 *
 * @param {{key: string, ctrlKey: boolean, metaKey: boolean, altKey: boolean}} stroke
 * @param {Map<string, string>} keys by label
 * @returns {{act: "label", label: string} | {act: "confirm" | "cantTell" | "skip" | "undo" | "help" | "find"} | null}
 */
export function actOf({ key, ctrlKey, metaKey, altKey }, keys) {
  const pressed = key.toLowerCase();
  if (ctrlKey || metaKey || altKey) return (ctrlKey || metaKey) && !altKey && pressed === "z" ? { act: "undo" } : null;
  const label = [...keys].find(([, digit]) => digit === key)?.[0];
  if (label !== undefined) return { act: "label", label };
  const act = { enter: "confirm", c: "confirm", t: "cantTell", s: "skip", u: "undo", "?": "help", "/": "find" }[pressed];
  return act ? { act } : null;
}

/**
 * Call `handler` with what a key stroke asks for; not while something is typed or a dialog stands, nor for a key that is
 * held down. `handler` says whether it did something.
 *
 * @param {Map<string, string>} keys by label
 * @param {(asked: any) => boolean} handler
 */
export function useKeys(keys, handler) {
  const latest = useRef(null);
  latest.current = (event) => {
    if (event.defaultPrevented || event.repeat || document.querySelector("dialog[open]")) return;
    if (event.target.matches?.(TYPED_IN)) return;
    if (event.key === "Enter" && event.target.closest?.("button, a, summary")) return; // it is pressed itself
    const asked = actOf(event, keys);
    if (asked && handler(asked)) event.preventDefault();
  };
  useEffect(() => {
    const listener = (event) => latest.current(event);
    addEventListener("keydown", listener);
    return () => removeEventListener("keydown", listener);
  }, []);
}
