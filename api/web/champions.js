/** Which model was the champion from when to when, read from the jobs that changed the champion. */

/** The query of GET /v1/jobs that finds these jobs. @type {{state: "promoted", limit: number}} */
export const PROMOTED = { state: "promoted", limit: 200 };
const CHANGE = ["train", "import", "activate", "rollback"];

/**
 * @typedef {object} ChampionPeriod
 * @property {number} version
 * @property {string} from ISO 8601
 * @property {string | null} to null: it answers now
 * @property {import("./types").Job} job the job that made it the champion
 */

/**
 * @param {import("./types").Job[]} jobs those that took effect
 * @returns {ChampionPeriod[]} the latest first
 */
export function championPeriods(jobs) {
  const changes = jobs.filter((job) => CHANGE.includes(job.command) && job.version !== null && job.ended_at !== null);
  const periods = changes.map((job) => ({ version: Number(job.version), from: String(job.ended_at), job }));
  const latest = periods.toSorted((a, b) => Date.parse(b.from) - Date.parse(a.from));
  return latest.map((one, i) => ({ ...one, to: latest[i - 1]?.from ?? null }));
}

/**
 * The version that a rollback activates: the last champion of those that aren't known to be worse.
 *
 * @param {import("./types").ListedModel[]} models
 */
export function formerChampion(models) {
  const former = models.filter((model) => model.state === "former" && model.activation !== null);
  return former.toSorted((a, b) => (b.activation ?? 0) - (a.activation ?? 0))[0]?.version ?? null;
}
