/** Finds out whether reviews were recorded: from correction events or, when none came, from the API. */
import { ApiError, getJson } from "../api.js";
import { onEvents } from "../events.js";
import { showToast } from "../toasts.js";
import { change, inState, reviews } from "./kept_reviews.js";

const POLL_MS = 5_000;
/** How long an event is awaited before the API is read. */
const EVENT_TIMEOUT_MS = 10_000;
const AT_ONCE = 5;
const REMEMBERED = 500;

/** Ids of recent correction events: an event may come before the answer to the request. @type {Set<string>} */
const recorded = new Set();
/** When each accepted review was read last. @type {Map<string, number>} */
const looked = new Map();

onEvents(["correction"], ({ feedback }) => {
  recorded.add(feedback);
  if (recorded.size > REMEMBERED) recorded.delete(String(recorded.values().next().value));
  reconcile();
});
onEvents(["reset"], () => looked.forEach((_, id) => looked.set(id, -Infinity)));
reviews.subscribe(reconcile);

function reconcile() {
  for (const { id, feedback } of inState(reviews.get(), "waiting", "taken")) {
    if (feedback !== null && recorded.has(feedback)) change(id, { state: "recorded" });
  }
}

setInterval(() => {
  if (!document.hidden) lookForSilent();
}, POLL_MS);

/** Read the reviews for which no event came. */
async function lookForSilent() {
  const taken = inState(reviews.get(), "taken");
  for (const id of [...looked.keys()]) if (!taken.some((one) => one.id === id)) looked.delete(id);
  for (const { id } of taken) if (!looked.has(id)) looked.set(id, Date.now());
  const silent = taken.filter(({ id }) => Date.now() - (looked.get(id) ?? 0) >= EVENT_TIMEOUT_MS).slice(0, AT_ONCE);
  for (const review of silent) {
    looked.set(review.id, Date.now());
    await look(review);
  }
}

/** @param {import("./kept_reviews.js").LocalReview} review */
async function look({ id, feedback }) {
  try {
    const outcome = await getJson("/v1/feedback/{id}", { params: { id: String(feedback) } });
    if (outcome.state === "recorded") change(id, { state: "recorded" });
    if (outcome.state !== "dead-letter") return;
    change(id, { state: "lost", why: outcome.error });
    showToast(`The review of ${outcome.id} couldn't be used: ${outcome.error}`, { kind: "bad" });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error; // not read yet, or the API is away: it is read again later
  }
}
