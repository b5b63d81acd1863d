/** The live events: one connection while the page is open, and the handlers of its events. */
import { ApiError, openResponse } from "./api.js";
import { keysEntered } from "./api_key.js";
import { interruptible } from "./pause.js";
import { SseParser } from "./sse.js";
import { useEffect, useRef } from "./view.js";

const PATH = "/v1/events";
/** The server sends a comment every 15 s: a connection that is silent for this long is lost. */
const SILENT_MS = 40_000;
const RETRY_MS = 2_000;
const MAX_RETRY_MS = 30_000;

/**
 * @template {import("./types").EventType} T
 * @typedef {(data: import("./types").EventData[T], type: T) => void} Handler
 */

/** @type {Map<string, Set<Handler<any>>>} */
const handlers = new Map();

/**
 * Call `handler` for each event of these types. `reset` means: events may have been missed, so read everything again.
 *
 * @template {import("./types").EventType} T
 * @param {T[]} types
 * @param {Handler<T>} handler
 * @returns {() => void} removes the handler
 */
export function onEvents(types, handler) {
  const sets = types.map((type) => {
    const set = handlers.get(type) ?? new Set();
    handlers.set(type, set);
    return set.add(handler);
  });
  return () => sets.forEach((set) => set.delete(handler));
}

/**
 * `onEvents` while the view is drawn.
 *
 * @template {import("./types").EventType} T
 * @param {T[]} types
 * @param {Handler<T>} handler
 */
export function useEvents(types, handler) {
  const latest = useRef(handler);
  latest.current = handler;
  useEffect(() => onEvents(types, (data, type) => latest.current(data, type)), [types.join()]);
}

/** Hand an event to its handlers. @param {string} type @param {unknown} data */
export function dispatch(type, data) {
  for (const handler of [...(handlers.get(type) ?? [])]) handler(data, type);
}

/**
 * @typedef {object} Link the state of the connection
 * @property {"connecting" | "live" | "away" | "locked"} state locked: a key is needed, and none was entered
 * @property {number} failures attempts that failed since the connection was last live
 * @property {number | null} retryAtMs when the next attempt is made (`Date.now()`)
 * @property {ApiError | null} error why the last attempt failed
 */

/** @type {Link} */
export const CONNECTING = { state: "connecting", failures: 0, retryAtMs: null, error: null };

/**
 * Connect, and connect again after each end, until the page is closed.
 *
 * @param {(link: Link) => void} onLink "live" means: events from now on are received
 * @returns {{retryNow: () => void}}
 */
export function connect(onLink) {
  const pause = interruptible();
  let link = CONNECTING;
  /** @param {Partial<Link>} next */
  const update = (next) => onLink((link = { ...link, ...next }));
  /** @type {Place} */
  const place = { last: null, retryMs: RETRY_MS };

  async function attempt() {
    update({ state: "connecting", retryAtMs: null });
    try {
      await follow(place, () => update({ ...CONNECTING, state: "live" }));
      update({ state: "away" }); // closed in order: the server restarts, or the page was too slow
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const wasLive = link.state === "live";
      update({ state: error.status === 401 ? "locked" : "away", error, failures: link.failures + (wasLive ? 0 : 1) });
    }
  }

  async function run() {
    for (;;) {
      await attempt();
      const waitMs = link.state === "locked" ? null : backoffMs(place.retryMs, link.failures, link.error?.retryAfterS);
      update({ retryAtMs: waitMs === null ? null : Date.now() + waitMs });
      await pause.wait(waitMs);
    }
  }

  keysEntered.subscribe(pause.end);
  addEventListener("online", pause.end);
  run();
  return { retryNow: pause.end };
}

/**
 * The wait before the next attempt: at first as the server asks, then twice as long each time, with jitter.
 *
 * @param {number} retryMs
 * @param {number} failures
 * @param {number | null} [retryAfterS]
 */
export function backoffMs(retryMs, failures, retryAfterS = null, random = Math.random) {
  const doubled = Math.min(retryMs * 2 ** Math.max(0, failures - 1), MAX_RETRY_MS);
  return Math.max(doubled * (0.8 + 0.4 * random()), (retryAfterS ?? 0) * 1000);
}

/** @typedef {{last: string | null, retryMs: number}} Place where to go on: the last event's id, and the server's wait */

/** One connection from its start to its end. @param {Place} place @param {() => void} onLive */
async function follow(place, onLive) {
  const control = new AbortController();
  /** @type {Record<string, string>} */
  const headers = { Accept: "text/event-stream" };
  if (place.last !== null) headers["Last-Event-ID"] = place.last;
  const parser = new SseParser();
  const silent = () => control.abort(new DOMException("No data for too long.", "TimeoutError"));
  /** @type {number | undefined} */
  let watchdog;
  let live = false;
  try {
    const response = await openResponse("get", PATH, { headers, signal: control.signal });
    const body = /** @type {ReadableStream<BufferSource>} */ (response.body);
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      clearTimeout(watchdog);
      watchdog = setTimeout(silent, SILENT_MS);
      const { done, value } = await reader.read().catch(() => {
        throw new ApiError({ status: 0, title: "The live events broke off", detail: "The connection was lost." });
      });
      if (done) return;
      if (!live) onLive();
      live = true;
      for (const message of parser.push(value)) receive(message);
      place.last = parser.lastId ?? place.last;
      place.retryMs = parser.retryMs ?? place.retryMs;
    }
  } finally {
    clearTimeout(watchdog);
    control.abort();
  }
}

/**
 * An event that can't be parsed, or whose handler fails, is reported and doesn't end the connection.
 *
 * @param {import("./sse.js").Message} message
 */
function receive({ type, data }) {
  try {
    dispatch(type, JSON.parse(data));
  } catch (error) {
    reportError(error);
  }
}
