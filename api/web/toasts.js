/** Toasts: short messages that disappear by themselves; and announcements for screen readers only. */
import { cell } from "./cell.js";

const SHOWN_MS = 6_000;
const MOST = 4;

/**
 * @typedef {object} Toast
 * @property {number} id
 * @property {string} text
 * @property {"info" | "good" | "bad"} kind
 * @property {{label: string, run: () => void} | null} action undo, say
 * @property {number} forMs
 */

export const toasts = cell(/** @type {Toast[]} */ ([]));
export const announced = cell("");

let made = 0;

/**
 * Show `text` for a moment; it is read out as well.
 *
 * @param {string} text
 * @param {Partial<Omit<Toast, "id" | "text">>} [how]
 * @returns {number} its id, for `dismiss`
 */
export function showToast(text, { kind = "info", action = null, forMs = SHOWN_MS } = {}) {
  const toast = { id: ++made, text, kind, action, forMs };
  toasts.set([...toasts.get(), toast].slice(-MOST));
  return toast.id;
}

/** @param {number} id */
export function dismiss(id) {
  toasts.set(toasts.get().filter((toast) => toast.id !== id));
}

/** Have a screen reader read out what is visible already. @param {string} text */
export function announce(text) {
  announced.set("");
  requestAnimationFrame(() => announced.set(text)); // the same words twice are read out twice
}
