/** What an operator asks of the retrain role: sent, followed by its job's events, and told when it is done. */
import { ApiError, getJson, postJson } from "./api.js";
import { cell, useCell } from "./cell.js";
import { onEvents } from "./events.js";
import { refresh } from "./live.js";
import { confirmed } from "./parts/dialog.js";
import { go, href } from "./router.js";
import { showToast } from "./toasts.js";
import { OPEN } from "./descriptions.js";

const TAKEN_WITHIN_MS = 15_000;

/**
 * What was asked for here and isn't done, by the id of its job; `done`: what to say once it took effect, null where
 * something else says so; `taken`: whether a retrain worker has written the job.
 *
 * @type {ReturnType<typeof cell>}
 */
const waiting = cell(/** @type {Record<string, {what: string, done: string | null, taken: boolean}>} */ ({}));
const SENDING = "sending";

/** Whether something that was asked for here hasn't been taken up yet. */
export const useWaiting = () => useCell(waiting, (all) => Object.values(all).some((one) => !one.taken));

export const train = () => command("/v1/jobs", "The training", null);
export const hold = () =>
  command("/v1/retraining/hold", "The hold", "Nothing is trained or promoted by itself until it is resumed");
export const resume = () =>
  command("/v1/retraining/resume", "Resuming", "Models are trained and promoted by themselves again");

/** Make a model the champion, after a question that says what that means. */
export async function activate(version, champion) {
  const text = [
    champion === null ? "" : `Model ${champion} answers now. `,
    `In a moment all workers answer with model ${version}. `,
    "After that nothing is trained or promoted by itself until it is resumed.",
  ];
  const yes = `Let model ${version} answer`;
  if (await confirmed({ title: `Activate model ${version}?`, text: text.join(""), yes })) {
    await command("/v1/models/{version}/activate", `The activation of model ${version}`, null, { version });
  }
}

/** Make the former champion the champion again, after the same question. */
export async function rollBack(former, champion) {
  const text = [
    `Model ${champion} answers now. In a moment all workers answer with model ${former}, and model ${champion} is marked as `,
    "rolled back. After that nothing is trained or promoted by itself until it is resumed.",
  ];
  if (await confirmed({ title: `Roll back to model ${former}?`, text: text.join(""), yes: `Roll back to model ${former}` })) {
    await command("/v1/retraining/rollback", "The rollback", null);
  }
}

/** Sends without an idempotency key, so that it works while Redis is away: a repeated command is skipped, and its job says why. */
async function command(path, what, done, params) {
  put(SENDING, { what, done, taken: false });
  try {
    const { id } = await postJson(path, { params });
    put(id, { what, done, taken: false });
    showToast(`${what} was asked for`, { action: show(id) });
    setTimeout(() => look(id), TAKEN_WITHIN_MS);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    showToast(`${error.title}. ${error.detail}`, { kind: "bad" });
  } finally {
    drop(SENDING);
  }
}

/** How a job stands, of those that were asked for here. */
function take(job) {
  const mine = waiting.get()[job.id];
  if (!mine) return;
  if (OPEN.includes(job.state)) return put(job.id, { ...mine, taken: true });
  drop(job.id);
  if (job.state !== "promoted") showToast(`${mine.what}: ${job.state}. ${job.error ?? ""}`, { kind: "bad", action: show(job.id) });
  else if (mine.done) showToast(mine.done, { kind: "good" });
}
onEvents(["job"], take);

/** Its event was missed, or came before the answer; or nobody is there who does it, and the button is there again. */
async function look(id) {
  if (waiting.get()[id]?.taken !== false) return;
  try {
    take(await getJson("/v1/jobs/{id}", { params: { id } }));
    refresh("jobs", "models", "retraining", "stats");
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    drop(id);
    showToast("Nobody has taken it yet: is a retrain worker up?", { kind: "bad", action: show(id) });
  }
}

const show = (id) => ({ label: "Show", run: () => go(href("job", { id })) });
const put = (id, one) => waiting.set({ ...waiting.get(), [id]: one });
const drop = (id) => waiting.set(Object.fromEntries(Object.entries(waiting.get()).filter(([other]) => other !== id)));
