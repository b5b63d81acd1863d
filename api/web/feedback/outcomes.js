/** What became of what was said: events tell that it is recorded; where none came, it is asked for. */
import { ApiError, getJson } from "../api.js";
import { onEvents } from "../events.js";
import { showToast } from "../toasts.js";
import { change, inState, reviews } from "./reviews.js";

const LOOK_EVERY_MS = 5_000;
/** So long an event is waited for before anybody asks. */
const PATIENT_MS = 10_000;
const AT_ONCE = 5;
const REMEMBERED = 500;

/** Ids that were told of lately: an event may come before the answer to the request. */
const told = new Set();
/** When each that is under way was looked at last. @type {Map<string, number>} */
const looked = new Map();

onEvents(["correction"], ({ feedback }) => {
  told.add(feedback);
  if (told.size > REMEMBERED) told.delete(told.values().next().value);
  reconcile();
});
onEvents(["reset"], () => looked.forEach((_, id) => looked.set(id, -Infinity)));
reviews.subscribe(reconcile);

function reconcile() {
  for (const { id, feedback } of inState(reviews.get(), "waiting", "taken")) {
    if (told.has(feedback)) change(id, { state: "recorded" });
  }
}

setInterval(() => {
  if (!document.hidden) lookForSilent();
}, LOOK_EVERY_MS);

/** Ask for those that no event spoke of. */
async function lookForSilent() {
  const taken = inState(reviews.get(), "taken");
  for (const id of [...looked.keys()]) if (!taken.some((one) => one.id === id)) looked.delete(id);
  for (const { id } of taken) if (!looked.has(id)) looked.set(id, Date.now());
  const silent = taken.filter(({ id }) => Date.now() - looked.get(id) >= PATIENT_MS).slice(0, AT_ONCE);
  for (const saying of silent) {
    looked.set(saying.id, Date.now());
    await look(saying);
  }
}

async function look({ id, feedback }) {
  try {
    const outcome = await getJson("/v1/feedback/{id}", { params: { id: feedback } });
    if (outcome.state === "recorded") change(id, { state: "recorded" });
    if (outcome.state !== "dead-letter") return;
    change(id, { state: "lost", why: outcome.error });
    showToast(`What was said of ${outcome.id} couldn't be used: ${outcome.error}`, { kind: "bad" });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error; // not read yet, or the API is away: there is a next time
  }
}
