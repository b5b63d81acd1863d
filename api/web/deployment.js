/** Which deployment answers: asked before anything that a tab has kept is sent to it. */
import { getJson } from "./api.js";
import { noteDeployment } from "./stored.js";

/** An answer is that old at most. Another deployment takes longer than that to appear at an address. */
const FRESH_MS = 5_000;

let heardMs = -Infinity;

/** Ask before the next one, however fresh the last answer is. */
export const doubtDeployment = () => (heardMs = -Infinity);

/**
 * Whether what this tab has kept is of the deployment that answers now.
 *
 * @returns {Promise<boolean>} false: the page starts again
 */
export async function confirmDeployment() {
  if (performance.now() - heardMs < FRESH_MS) return true;
  const askedMs = performance.now();
  const { deployment } = await getJson("/v1/me");
  if (!noteDeployment(deployment)) return false;
  heardMs = askedMs;
  return true;
}
