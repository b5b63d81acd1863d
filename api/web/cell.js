/** An observable value: views and handlers that use it learn of each change. */
import { useEffect, useState } from "./view.js";

/**
 * @template T
 * @typedef {object} Cell
 * @property {() => T} get
 * @property {(next: T) => void} set
 * @property {(listener: (value: T) => void) => () => void} subscribe returns what removes the listener
 */

/**
 * @template T
 * @param {T} value
 * @returns {Cell<T>}
 */
export function cell(value) {
  /** @type {Set<(value: T) => void>} */
  const listeners = new Set();
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const listener of [...listeners]) listener(value);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** @param {any} value */
const whole = (value) => value;

/**
 * The part of the cell's value that `selector` picks; the view is drawn again only when that part is another object.
 *
 * @template T
 * @template [P=T]
 * @param {Cell<T>} source
 * @param {(value: T) => P} [selector] must return the same object for the same value
 * @returns {P}
 */
export function useCell(source, selector = whole) {
  const [, redraw] = useState(0);
  const picked = selector(source.get());
  useEffect(() => {
    let seen = picked;
    const look = () => {
      const now = selector(source.get());
      if (Object.is(now, seen)) return;
      seen = now;
      redraw((count) => count + 1);
    };
    look(); // it may have changed since it was drawn
    return source.subscribe(look);
  }, [source, selector, picked]);
  return picked;
}
