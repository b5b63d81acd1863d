/** The labels that models know. Those of a version never change, so that each is asked for once. */
import { ApiError, ask } from "./api.js";
import { useLive } from "./live.js";
import { useEffect, useState } from "./view.js";

/** @type {Map<number, Promise<string[]>>} */
const asked = new Map();
const order = new Intl.Collator(undefined, { numeric: true });
const championOf = (live) => live.stats.value?.champion?.version ?? null;

/** @param {number} version @returns {Promise<string[]>} none where they aren't known, or can't be asked for now */
function classesOf(version) {
  if (!asked.has(version)) asked.set(version, read(version));
  return asked.get(version);
}

async function read(version) {
  try {
    const { classes } = await ask(`/v1/models/${version}`);
    return Object.keys(classes);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    asked.delete(version);
    return [];
  }
}

/**
 * The labels that one may want to say of what `version` answered: its own and the champion's, in order.
 *
 * @param {number | null | undefined} version
 * @returns {{known: string[], own: string[]}} `own`: those of `version` alone
 */
export function useClasses(version) {
  const champion = useLive(championOf);
  const [found, setFound] = useState({ known: [], own: [] });
  useEffect(() => {
    let wanted = true;
    const versions = [version, champion].filter((one) => one != null);
    Promise.all(versions.map(classesOf)).then((each) => {
      if (wanted) setFound({ known: [...new Set(each.flat())].sort(order.compare), own: version == null ? [] : each[0] });
    });
    return () => {
      wanted = false;
    };
  }, [version, champion]);
  return found;
}
