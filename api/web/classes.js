/** The labels that models know. */
import { ask } from "./api.js";
import { askedOnce, useFound } from "./asked_once.js";
import { useLive } from "./live.js";

const order = new Intl.Collator(undefined, { numeric: true });
const championOf = (live) => live.stats.value?.champion?.version ?? null;

/** Of a version; none where they aren't known, or can't be asked for now. */
const classesOf = askedOnce(async (version) => Object.keys((await ask(`/v1/models/${version}`)).classes), []);

/**
 * The labels that one may want to say of what `version` answered: its own and the champion's, in order.
 *
 * @param {number | null | undefined} version
 * @returns {{known: string[], own: string[]}} `own`: those of `version` alone
 */
export function useClasses(version) {
  const champion = useLive(championOf);
  return useFound(() => classesOfBoth(version, champion), { known: [], own: [] }, [version, champion]);
}

async function classesOfBoth(version, champion) {
  const each = await Promise.all([version, champion].filter((one) => one != null).map((one) => classesOf(one)));
  return { known: [...new Set(each.flat())].sort(order.compare), own: version == null ? [] : each[0] };
}
