/** The labels and the feature names of model versions: they never change, so each version is read once. */
import { ApiError, getJson } from "./api.js";
import { useLive } from "./live.js";
import { useEffect, useState } from "./view.js";

const order = new Intl.Collator(undefined, { numeric: true });
/** @param {import("./live.js").Live} live */
const championVersion = (live) => live.stats.value?.champion?.version ?? null;

/** @typedef {{classes: string[], features: string[] | null}} ModelFacts */

/** @type {ModelFacts} */
const UNKNOWN = { classes: [], features: null };
/** @type {Map<number, Promise<ModelFacts>>} */
const byVersion = new Map();

/**
 * The facts of a version; `UNKNOWN` while they can't be read. A failed read is repeated at the next call.
 *
 * @param {number} version
 */
function factsOf(version) {
  const known = byVersion.get(version) ?? read(version);
  byVersion.set(version, known);
  return known;
}

/** @param {number} version @returns {Promise<ModelFacts>} */
async function read(version) {
  try {
    const { classes, features } = await getJson("/v1/models/{version}", { params: { version } });
    return { classes: Object.keys(classes), features };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    byVersion.delete(version);
    return UNKNOWN;
  }
}

/**
 * The labels that a review of an answer of `version` may give: those of the version and of the champion, in order.
 *
 * @param {number | null | undefined} version
 * @returns {{known: string[], own: string[]}} `own`: those of `version` alone
 */
export function useClasses(version) {
  const champion = useLive(championVersion);
  return useAwaited(() => classesOfBoth(version, champion), { known: [], own: [] }, [version, champion]);
}

/** @param {number | null | undefined} version @param {number | null} champion */
async function classesOfBoth(version, champion) {
  const versions = [version, champion].filter((one) => one != null);
  const each = await Promise.all(versions.map(async (one) => (await factsOf(one)).classes));
  return { known: [...new Set(each.flat())].sort(order.compare), own: version == null ? [] : each[0] };
}

/**
 * @param {number | null | undefined} version undefined or null: there is no model yet
 * @returns {string[] | null} null: not known
 */
export function useFeatureNames(version) {
  const names = () => (version == null ? undefined : factsOf(version).then(({ features }) => features));
  return useAwaited(names, /** @type {string[] | null} */ (null), [version]);
}

/**
 * Values with their names. Pure.
 *
 * @param {number[] | Record<string, number>} features
 * @param {string[] | null} names of a list's values; null: not known
 * @returns {{feature: string, value: number}[]}
 */
export const named = (features, names) =>
  Array.isArray(features)
    ? features.map((value, i) => ({ feature: names?.[i] ?? "", value }))
    : Object.entries(features).map(([feature, value]) => ({ feature, value }));

/**
 * The value that `find` resolves to, found again when a dependency changes; the former value stays until then.
 *
 * @template V
 * @param {() => Promise<V> | undefined} find
 * @param {V} first
 * @param {unknown[]} dependencies
 * @returns {V}
 */
function useAwaited(find, first, dependencies) {
  const [found, setFound] = useState(first);
  useEffect(() => {
    let wanted = true;
    find()?.then((value) => wanted && setFound(() => value));
    return () => {
      wanted = false;
    };
  }, dependencies);
  return found;
}
