/** What a screen reads for itself, as hooks: one answer, or a list page by page. */
import { ApiError, ask } from "./api.js";
import { useCell } from "./cell.js";
import { useEvents } from "./live.js";
import { source } from "./source.js";
import { useEffect, useMemo, useState } from "./view.js";

/**
 * The answer to GET `path`, read again whenever one of these events comes (and when any may have been missed).
 *
 * @param {string} path
 * @param {{query?: Record<string, any>, on?: string[]}} [options]
 * @returns {import("./source.js").Reading & {refresh: () => void}}
 */
export function useAsked(path, { query, on = [] } = {}) {
  const asked = useMemo(() => source((signal) => ask(path, { query, signal })), [path, JSON.stringify(query)]);
  useEffect(() => {
    asked.refresh();
    return asked.close;
  }, [asked]);
  useEvents([...on, "reset"], asked.refresh);
  return { ...useCell(asked.reading), refresh: asked.refresh };
}

/**
 * A list, newest first: its first page, which is kept current, and those after it as they are asked for.
 *
 * @param {string} path
 * @param {{query?: Record<string, any>, on?: string[], idOf: (item: any) => string | number}} options
 * @returns {{items: any[], error: ApiError | null, settled: boolean, busy: boolean, more: (() => void) | null,
 *   refresh: () => void}} `more`: null where there are no more
 */
export function usePages(path, { query, on, idOf }) {
  const first = useAsked(path, { query, on });
  const key = `${path} ${JSON.stringify(query)}`;
  const [later, setLater] = useState({ key, items: [], next: undefined, error: null, busy: false });
  const mine = later.key === key ? later : { key, items: [], next: undefined, error: null, busy: false };
  const cursor = mine.next === undefined ? first.value?.next : mine.next;

  async function more() {
    setLater({ ...mine, busy: true, error: null });
    try {
      const page = await ask(path, { query: { ...query, cursor } });
      setLater({ key, items: [...mine.items, ...page.items], next: page.next, error: null, busy: false });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setLater({ ...mine, busy: false, error });
    }
  }

  return {
    items: distinct([...(first.value?.items ?? []), ...mine.items], idOf),
    error: first.error ?? mine.error,
    settled: first.settled,
    busy: mine.busy,
    more: cursor ? more : null,
    refresh: first.refresh,
  };
}

/** What has moved to a later page since the first was read again stands once. */
function distinct(items, idOf) {
  return [...new Map(items.map((item) => [idOf(item), item])).values()];
}
