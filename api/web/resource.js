/** Resources of the API that a view shows: read at first, and read again when an event reports a change. */
import { ApiError, getJson } from "./api.js";
import { cell, useCell } from "./cell.js";
import { useEvents } from "./events.js";
import { useEffect, useMemo, useState } from "./view.js";

/** Minimum interval between two reads of one resource. */
const INTERVAL_MS = 1_000;

/**
 * @template T
 * @typedef {object} Reading
 * @property {T | null} value the last good answer, null before the first; it stays while a later attempt fails
 * @property {ApiError | null} error why the last attempt failed
 * @property {boolean} settled whether the first attempt has ended
 */

/** @type {Reading<any>} */
export const UNREAD = { value: null, error: null, settled: false };

/**
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} read
 * @param {number} [intervalMs]
 */
export function resource(read, intervalMs = INTERVAL_MS) {
  const reading = cell(/** @type {Reading<T>} */ (UNREAD));
  const control = new AbortController();
  let wanted = false;
  let busy = false;
  /** @type {number | undefined} */
  let timer;
  let startedMs = -Infinity;

  function schedule() {
    if (!wanted || busy || timer !== undefined || control.signal.aborted) return;
    timer = setTimeout(run, Math.max(0, startedMs + intervalMs - performance.now()));
  }

  async function run() {
    timer = undefined;
    wanted = false;
    busy = true;
    startedMs = performance.now();
    try {
      const value = await read(control.signal);
      if (!control.signal.aborted) reading.set({ value, error: null, settled: true });
    } catch (error) {
      if (control.signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      reading.set({ ...reading.get(), error, settled: true });
    } finally {
      busy = false;
      schedule();
    }
  }

  return {
    reading,
    /** Read it again soon. Calls that come before the read begins are one read. */
    refresh() {
      wanted = true;
      schedule();
    },
    /** Abort the read that is running; the resource is never read again. */
    close() {
      control.abort();
      clearTimeout(timer);
    },
  };
}

/**
 * The answer to GET `path`, read again at each event of these types, and at `reset`.
 *
 * @template {import("./types").PathOf<"get">} P
 * @param {P} path
 * @param {Pick<import("./types").Options<"get", P>, "params" | "query"> & {on?: import("./types").EventType[]}} [options]
 * @returns {Reading<import("./types").Answer<"get", P>> & {refresh: () => void}}
 */
export function useResource(path, { params, query, on = [] } = {}) {
  const found = useMemo(
    () => resource((signal) => getJson(path, { params, query, signal })),
    [path, JSON.stringify([params, query])],
  );
  useEffect(() => {
    found.refresh();
    return found.close;
  }, [found]);
  useEvents([...on, "reset"], found.refresh);
  return { ...useCell(found.reading), refresh: found.refresh };
}

/**
 * @template T
 * @typedef {object} Pages
 * @property {T[]} items
 * @property {ApiError | null} error
 * @property {boolean} settled
 * @property {boolean} busy whether the next page is being read
 * @property {(() => void) | null} more reads the next page; null after the last
 * @property {() => void} refresh
 */

/**
 * A list, newest first: the first page, which is kept current, and the later pages that were read since.
 *
 * @template {import("./types").ListPath} P
 * @param {P} path
 * @param {Pick<import("./types").Options<"get", P>, "params" | "query"> & {on?: import("./types").EventType[],
 *   idOf: (item: import("./types").Item<P>) => string | number}} options
 * @returns {Pages<import("./types").Item<P>>}
 */
export function usePages(path, { params, query, on, idOf }) {
  /** @typedef {{items: import("./types").Item<P>[], next?: string | null}} Page */
  const first = useResource(path, { params, query, on });
  const firstPage = /** @type {Page | null} */ (first.value);
  const key = `${path} ${JSON.stringify([params, query])}`;
  /**
   * @type {{key: string, items: import("./types").Item<P>[], next?: string | null, error: ApiError | null, busy:
   *   boolean}}
   */
  const none = { key, items: [], next: undefined, error: null, busy: false };
  const [stored, setLater] = useState(none);
  const later = stored.key === key ? stored : none;
  const cursor = later.next === undefined ? firstPage?.next : later.next;

  async function more() {
    setLater({ ...later, busy: true, error: null });
    try {
      const next = { ...query, cursor };
      const page = /** @type {Page} */ (await getJson(path, { params, query: /** @type {typeof query} */ (next) }));
      setLater({ key, items: [...later.items, ...page.items], next: page.next, error: null, busy: false });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setLater({ ...later, busy: false, error });
    }
  }

  return {
    items: distinct([...(firstPage?.items ?? []), ...later.items], idOf),
    error: first.error ?? later.error,
    settled: first.settled,
    busy: later.busy,
    more: cursor ? more : null,
    refresh: first.refresh,
  };
}

/**
 * Each item once: an item moves to a later page when newer ones come.
 *
 * @template T
 * @param {T[]} items
 * @param {(item: T) => string | number} idOf
 */
function distinct(items, idOf) {
  return [...new Map(items.map((item) => [idOf(item), item])).values()];
}
