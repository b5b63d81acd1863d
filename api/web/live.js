/**
 * The resources that the whole page shows, kept current: read at first, and again when an event reports a change.
 */
import { getJson } from "./api.js";
import { cell, useCell } from "./cell.js";
import { CONNECTING, connect, dispatch, onEvents } from "./events.js";
import { UNREAD, resource } from "./resource.js";
import { noteDeployment } from "./stored.js";

/** Lags, rates and cooldowns change without an event. */
const POLL_MS = 5_000;
const NEWEST = 50;

const RESOURCES = {
  me: resource((signal) => getJson("/v1/me", { signal })),
  stats: resource((signal) => getJson("/v1/stats", { signal })),
  workers: resource((signal) => getJson("/v1/workers", { signal })),
  retraining: resource((signal) => getJson("/v1/retraining", { signal })),
  jobs: resource((signal) => getJson("/v1/jobs", { query: { limit: NEWEST }, signal })),
  models: resource((signal) => getJson("/v1/models", { query: { limit: NEWEST }, signal })),
};
/** @typedef {keyof typeof RESOURCES} Name */
const NAMES = /** @type {Name[]} */ (Object.keys(RESOURCES));

/**
 * The resources that each type of event changes.
 *
 * @type {Record<import("./types").EventType, Name[]>}
 */
const CHANGES = {
  batch: ["stats"],
  correction: ["stats", "retraining"],
  job: ["jobs", "retraining", "stats"],
  model: ["models", "jobs", "retraining", "stats", "workers"],
  worker: ["workers"],
  reset: NAMES,
};

/**
 * @typedef {{[N in Name]: ReturnType<(typeof RESOURCES)[N]["reading"]["get"]>} & {
 *   link: import("./events.js").Link, counts: {records: number | null, dead_letters: number | null}}} Live
 *   `link`: the state of the connection of live events; `counts`: records and dead letters as of the latest event or
 *   reading, null: not known
 */

/** @type {import("./cell.js").Cell<Live>} */
const live = cell(
  /** @type {Live} */ ({
    link: CONNECTING,
    counts: { records: null, dead_letters: null },
    ...Object.fromEntries(NAMES.map((name) => [name, UNREAD])),
  }),
);
/** @param {Partial<Live>} part */
const put = (part) => live.set({ ...live.get(), ...part });

/** @type {{retryNow: () => void} | null} */
let connection = null;

/** Read everything and connect to the live events; called once, when the page starts. */
export function start() {
  for (const name of NAMES) onReading(name, (reading) => put({ [name]: reading }));
  onReading("me", ({ value }) => value && noteDeployment(value.deployment));
  onReading("stats", ({ value }) => count(value?.totals));
  refresh(...NAMES);
  for (const [type, names] of Object.entries(CHANGES)) {
    onEvents([/** @type {import("./types").EventType} */ (type)], () => refresh(...names));
  }
  onEvents(["batch"], count);
  connection = connect((link) => {
    const back = link.state === "live" && live.get().link.state !== "live";
    put({ link });
    if (back) dispatch("reset", { why: "connected" });
  });
  setInterval(() => {
    if (document.hidden || live.get().link.state !== "live") return;
    refresh("stats", "workers", "retraining");
    if (live.get().me.value === null) refresh("me");
  }, POLL_MS);
}

/** Connect now rather than at the end of the wait. */
export const connectNow = () => connection?.retryNow();

/** Read these resources again soon. @param {Name[]} names */
export function refresh(...names) {
  for (const name of names) RESOURCES[name].refresh();
}

/**
 * The part of the page's knowledge that `selector` picks; it must return the same object while nothing has changed.
 *
 * @template P
 * @param {(live: Live) => P} selector
 * @returns {P}
 */
export const useLive = (selector) => useCell(live, selector);

/**
 * Call `handler` with each reading of a resource, until the page is closed.
 *
 * @template {Name} N
 * @param {N} name
 * @param {(reading: Live[N]) => void} handler
 */
export function onReading(name, handler) {
  const reading = /** @type {import("./cell.js").Cell<any>} */ (RESOURCES[name].reading);
  reading.subscribe(handler);
}

/** @param {{records?: number | null, dead_letters?: number | null} | undefined} totals */
function count(totals) {
  if (totals?.records == null) return;
  const known = live.get().counts;
  const records = Math.max(known.records ?? 0, totals.records);
  put({ counts: { records, dead_letters: totals.dead_letters ?? known.dead_letters } });
}
