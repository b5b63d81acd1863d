/** Which model answered from when to when, by the jobs that took effect: each that changed the champion is one. */

/** What is asked of GET /v1/jobs for that. */
export const PROMOTED = { state: "promoted", limit: 200 };
const CHANGE = ["train", "activate", "rollback"];

/**
 * @typedef {object} ChampionPeriod
 * @property {number} version
 * @property {string} from ISO 8601
 * @property {string | null} to null: it answers now
 * @property {any} job the one that made it the champion
 */

/**
 * @param {any[]} jobs those that took effect
 * @returns {ChampionPeriod[]} the latest first
 */
export function championPeriods(jobs) {
  const changes = jobs.filter((job) => CHANGE.includes(job.command) && job.version !== null && job.ended_at !== null);
  const latest = changes.toSorted((a, b) => Date.parse(b.ended_at) - Date.parse(a.ended_at));
  return latest.map((job, i) => ({ version: job.version, from: job.ended_at, to: latest[i - 1]?.ended_at ?? null, job }));
}

/** The version that a way back leads to: of those that aren't known to be worse, the one that answered last. */
export function formerChampion(models) {
  const former = models.filter((model) => model.state === "former" && model.activation !== null);
  return former.toSorted((a, b) => b.activation - a.activation)[0]?.version ?? null;
}
