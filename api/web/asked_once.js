/** What never changes once it is known: asked for once for each key, and again only where it couldn't be asked. */
import { ApiError } from "./api.js";
import { useEffect, useState } from "./view.js";

/**
 * @template K, V
 * @param {(of: any) => Promise<V>} read
 * @param {V} unknown where it can't be asked for now
 * @returns {(key: K, of?: any) => Promise<V>} `of`: what is read, where that isn't the key
 */
export function askedOnce(read, unknown) {
  /** @type {Map<K, Promise<V>>} */
  const asked = new Map();
  async function attempt(key, of) {
    try {
      return await read(of);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      asked.delete(key);
      return unknown;
    }
  }
  return (key, of = key) => {
    if (!asked.has(key)) asked.set(key, attempt(key, of));
    return asked.get(key);
  };
}

/**
 * What `find` comes to, found anew where one of `on` is another; until then what was found before.
 *
 * @template V
 * @param {() => Promise<V> | undefined} find
 * @param {V} first
 * @param {any[]} on
 * @returns {V}
 */
export function useFound(find, first, on) {
  const [found, setFound] = useState(first);
  useEffect(() => {
    let wanted = true;
    find()?.then((value) => wanted && setFound(value));
    return () => {
      wanted = false;
    };
  }, on);
  return found;
}
