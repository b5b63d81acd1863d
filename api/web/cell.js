/** A value that tells whoever listens when it has changed: what the parts of the page share. */
import { useEffect, useState } from "./view.js";

/**
 * @template T
 * @param {T} value
 */
export function cell(value) {
  /** @type {Set<(value: T) => void>} */
  const listeners = new Set();
  return {
    get: () => value,
    /** @param {T} next */
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const listener of [...listeners]) listener(value);
    },
    /** @param {(value: T) => void} listener @returns {() => void} stops it */
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

const whole = (value) => value;

/**
 * What `selector` picks of the cell's value; the view is drawn again only when that is another than before.
 *
 * @param {ReturnType<typeof cell>} source
 * @param {(value: any) => any} [selector] must return the same object for the same value
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
