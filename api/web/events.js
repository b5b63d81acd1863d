/** The live events: one connection, kept up for as long as the page is open. By fetch, so that a key can go along. */
import { ApiError, open } from "./api.js";
import { keysGiven } from "./key.js";
import { interruptible } from "./pause.js";
import { SseParser } from "./sse.js";

const PATH = "/v1/events";
/** The server says something every 15 s at least: a connection that is silent for so long is dead. */
const SILENT_MS = 40_000;
const RETRY_MS = 2_000;
const MOST_MS = 30_000;

/**
 * @typedef {object} Link how the connection stands
 * @property {"connecting" | "live" | "away" | "locked"} state locked: a key is needed, and none was given
 * @property {number} failures attempts that failed since it last was live
 * @property {number | null} againAtMs when the next attempt is made (`Date.now()`)
 * @property {ApiError | null} error why the last attempt failed
 */

/** @type {Link} */
export const FIRST = { state: "connecting", failures: 0, againAtMs: null, error: null };

/**
 * Listen for ever.
 *
 * @param {object} to
 * @param {(type: string, data: any) => void} to.onEvent
 * @param {(link: Link) => void} to.onLink "live" means: what comes from now on is heard
 * @returns {{tryNow: () => void}}
 */
export function listen({ onEvent, onLink }) {
  const pause = interruptible();
  let link = FIRST;
  const tell = (next) => onLink((link = { ...link, ...next }));
  const place = { last: null, retryMs: RETRY_MS };

  async function attempt() {
    tell({ state: "connecting", againAtMs: null });
    try {
      await follow(place, onEvent, () => tell({ ...FIRST, state: "live" }));
      tell({ state: "away" }); // it ended in order: the server restarts, or we were too slow
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const wasLive = link.state === "live";
      tell({ state: error.status === 401 ? "locked" : "away", error, failures: link.failures + (wasLive ? 0 : 1) });
    }
  }

  async function run() {
    for (;;) {
      await attempt();
      const waitMs = link.state === "locked" ? null : backoffMs(place.retryMs, link.failures, link.error?.retryAfterS);
      tell({ againAtMs: waitMs === null ? null : Date.now() + waitMs });
      await pause.wait(waitMs);
    }
  }

  keysGiven.subscribe(pause.end);
  addEventListener("online", pause.end);
  run();
  return { tryNow: pause.end };
}

/** How long to wait: as the server wants it at first, then twice as long each time, never all pages at once. */
export function backoffMs(retryMs, failures, retryAfterS = null, random = Math.random) {
  const doubled = Math.min(retryMs * 2 ** Math.max(0, failures - 1), MOST_MS);
  return Math.max(doubled * (0.8 + 0.4 * random()), (retryAfterS ?? 0) * 1000);
}

/** One connection from its beginning to its end. */
async function follow(place, onEvent, onLive) {
  const control = new AbortController();
  const headers = { Accept: "text/event-stream", ...(place.last === null ? {} : { "Last-Event-ID": place.last }) };
  const parser = new SseParser();
  const silent = () => control.abort(new DOMException("It says nothing any more.", "TimeoutError"));
  let watch = null;
  let live = false;
  try {
    const response = await open(PATH, { headers, signal: control.signal });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      clearTimeout(watch);
      watch = setTimeout(silent, SILENT_MS);
      const { done, value } = await reader.read().catch(() => {
        throw new ApiError({ status: 0, title: "The live events broke off", detail: "The connection was lost." });
      });
      if (done) return;
      if (!live) onLive();
      live = true;
      for (const message of parser.push(value)) handOver(message, onEvent);
      place.last = parser.lastId ?? place.last;
      place.retryMs = parser.retryMs ?? place.retryMs;
    }
  } finally {
    clearTimeout(watch);
    control.abort();
  }
}

/** What can't be read, or whose handling fails, is a fault to be seen, but none of the connection. */
function handOver({ type, data }, onEvent) {
  try {
    onEvent(type, JSON.parse(data));
  } catch (error) {
    reportError(error);
  }
}
