/** Commands to the retrain role: sent, followed by their job's events, and reported by a toast at the end. */
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
 * @typedef {object} Pending a command that was sent here and isn't done
 * @property {string} what
 * @property {string | null} done the toast once it took effect, null when another toast reports that
 * @property {boolean} taken whether a retrain worker has written the job
 */

/** By the job's id. */
const waiting = cell(/** @type {Record<string, Pending>} */ ({}));
const SENDING = "sending";

/** Whether a command was sent that no worker has taken yet. */
export const useWaiting = () => useCell(waiting, (all) => Object.values(all).some((one) => !one.taken));

export const train = () => command("/v1/jobs", "The training", null);
export const hold = () =>
  command("/v1/retraining/hold", "The hold", "Nothing is trained or promoted by itself until it is resumed");
export const resume = () =>
  command("/v1/retraining/resume", "Resuming", "Models are trained and promoted by themselves again");

/**
 * Make a model the champion, after a confirmation. One that was rejected or rolled back is forced.
 *
 * @param {{version: number, state: import("./types").ListedModel["state"]}} model
 * @param {number | null} champion
 */
export async function activate({ version, state }, champion) {
  const force = state === "rejected" || state === "rolled-back";
  const text = [
    force ? `Model ${version} was ${state === "rejected" ? "rejected" : "rolled back"}; its job will record that it was activated all the same. ` : "",
    champion === null ? "" : `Model ${champion} answers now. `,
    `In a moment all workers answer with model ${version}. `,
    "After that nothing is trained or promoted by itself until it is resumed.",
  ];
  const yes = `Let model ${version} answer`;
  if (await confirmed({ title: `Activate model ${version}?`, text: text.join(""), yes })) {
    await command("/v1/models/{version}/activate", `The activation of model ${version}`, null, { version }, { force });
  }
}

/**
 * Make the former champion the champion again, after a confirmation.
 *
 * @param {number} former
 * @param {number | null} champion
 */
export async function rollBack(former, champion) {
  const text = [
    `Model ${champion} answers now. In a moment all workers answer with model ${former}, and model ${champion} is marked as `,
    "rolled back. After that nothing is trained or promoted by itself until it is resumed.",
  ];
  if (await confirmed({ title: `Roll back to model ${former}?`, text: text.join(""), yes: `Roll back to model ${former}` })) {
    await command("/v1/retraining/rollback", "The rollback", null);
  }
}

/**
 * Sends without an idempotency key, so that it works while Redis is away: a repeated command is skipped, and its job has
 * the reason.
 *
 * @template {import("./types").PathOf<"post">} P
 * @param {P} path
 * @param {string} what
 * @param {string | null} done
 * @param {import("./types").Options<"post", P>["params"]} [params]
 * @param {import("./types").Options<"post", P>["query"]} [query]
 */
async function command(path, what, done, params, query) {
  put(SENDING, { what, done, taken: false });
  try {
    const { id } = /** @type {{id: string}} */ (await postJson(path, { params, query }));
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

/**
 * Report a job's new state, if its command was sent here.
 *
 * @param {import("./types").Job | import("./types").EventData["job"]} job
 */
function take(job) {
  const mine = waiting.get()[job.id];
  if (!mine) return;
  if (OPEN.includes(job.state)) return put(job.id, { ...mine, taken: true });
  drop(job.id);
  if (job.state !== "promoted") showToast(`${mine.what}: ${job.state}. ${job.error ?? ""}`, { kind: "bad", action: show(job.id) });
  else if (mine.done) showToast(mine.done, { kind: "good" });
}
onEvents(["job"], take);

/**
 * Read a job whose event was missed. Without a job, no retrain worker is up: the command's button is enabled again.
 *
 * @param {string} id
 */
async function look(id) {
  if (waiting.get()[id]?.taken !== false) return;
  try {
    take(await getJson("/v1/jobs/{id}", { params: { id } }));
    refresh("jobs", "models", "retraining", "stats");
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    drop(id);
    showToast("No worker has taken it yet: is a retrain worker up?", { kind: "bad", action: show(id) });
  }
}

/** @param {string} id */
const show = (id) => ({ label: "Show", run: () => go(href("job", { id })) });
/** @param {string} id @param {Pending} one */
const put = (id, one) => waiting.set({ ...waiting.get(), [id]: one });
/** @param {string} id */
const drop = (id) => waiting.set(Object.fromEntries(Object.entries(waiting.get()).filter(([other]) => other !== id)));
