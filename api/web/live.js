/** What the whole page knows of the system, kept current: read at first, and again when an event says that it changed. */
import { ask } from "./api.js";
import { cell, useCell } from "./cell.js";
import { FIRST, listen } from "./events.js";
import { UNREAD, source } from "./source.js";
import { useEffect, useRef } from "./view.js";

/** Lags, rates and cooldowns change without an event. */
const LOOK_EVERY_MS = 5_000;
const NEWEST = 50;

const SOURCES = {
  stats: source((signal) => ask("/v1/stats", { signal })),
  workers: source((signal) => ask("/v1/workers", { signal })),
  retraining: source((signal) => ask("/v1/retraining", { signal })),
  jobs: source((signal) => ask("/v1/jobs", { query: { limit: NEWEST }, signal })),
  models: source((signal) => ask("/v1/models", { query: { limit: NEWEST }, signal })),
};
/** What an event makes worth reading again. */
const CHANGES = {
  batch: ["stats"],
  correction: ["stats", "retraining"],
  job: ["jobs", "retraining", "stats"],
  model: ["models", "jobs", "retraining", "stats", "workers"],
  worker: ["workers"],
  reset: Object.keys(SOURCES),
};

/**
 * `link`: how the connection of events stands (`Link` in events.js). `stats`, `workers`, `retraining`, `jobs`, `models`:
 * a `Reading` each. `counts`: records and dead letters as the latest event or reading says; null: not known.
 */
const live = cell({
  link: FIRST,
  counts: { records: null, dead_letters: null },
  ...Object.fromEntries(Object.keys(SOURCES).map((name) => [name, UNREAD])),
});
const put = (part) => live.set({ ...live.get(), ...part });

/** @type {Map<string, Set<(data: any, type: string) => void>>} */
const handlers = new Map();
let connection = null;

/** Begin to listen; once, when the page starts. */
export function start() {
  for (const [name, { reading }] of Object.entries(SOURCES)) reading.subscribe((next) => put({ [name]: next }));
  SOURCES.stats.reading.subscribe(({ value }) => count(value?.totals));
  refresh(...Object.keys(SOURCES));
  connection = listen({
    onEvent: take,
    onLink(link) {
      const back = link.state === "live" && live.get().link.state !== "live";
      put({ link });
      if (back) take("reset", { why: "connected" });
    },
  });
  setInterval(() => {
    if (!document.hidden && live.get().link.state === "live") refresh("stats", "workers", "retraining");
  }, LOOK_EVERY_MS);
}

/** Connect again now rather than when the wait is over. */
export const tryNow = () => connection?.tryNow();

/** Read these again soon: after a write, say. @param {(keyof typeof SOURCES)[]} names */
export function refresh(...names) {
  for (const name of names) SOURCES[name].refresh();
}

/** What `selector` picks of all that is known; it must return the same object while nothing has changed. */
export const useLive = (selector) => useCell(live, selector);

/**
 * Call `handler` with each `Reading` of this name, for as long as the page is open.
 *
 * @param {keyof typeof SOURCES} name
 * @param {(reading: import("./source.js").Reading) => void} handler
 */
export const onReading = (name, handler) => SOURCES[name].reading.subscribe(handler);

/**
 * Call `handler` for each event of these types while the view stands. `reset` means: read everything anew.
 *
 * @param {string[]} types
 * @param {(data: any, type: string) => void} handler
 */
export function useEvents(types, handler) {
  const latest = useRef(handler);
  latest.current = handler;
  useEffect(() => onEvents(types, (data, type) => latest.current(data, type)), [types.join()]);
}

/** The same outside views; returns what stops it. */
export function onEvents(types, handler) {
  for (const type of types) {
    if (!handlers.has(type)) handlers.set(type, new Set());
    handlers.get(type).add(handler);
  }
  return () => types.forEach((type) => handlers.get(type).delete(handler));
}

function take(type, data) {
  if (type === "batch") count(data);
  refresh(...(CHANGES[type] ?? []));
  for (const handler of [...(handlers.get(type) ?? [])]) handler(data, type);
}

function count(told) {
  if (told?.records == null) return;
  const { records } = live.get().counts;
  const dead = told.dead_letters ?? live.get().counts.dead_letters;
  put({ counts: { records: Math.max(records ?? 0, told.records), dead_letters: dead } });
}
