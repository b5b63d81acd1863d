/**
 * The labels and the feature names of model versions: they never change, so each version is read once. And the schema of
 * the records, which is read again when the champion changes.
 */
import { ApiError, getJson } from "./api.js";
import { useLive } from "./live.js";
import { useEffect, useMemo, useState } from "./view.js";

const order = new Intl.Collator(undefined, { numeric: true });
/** @param {import("./live.js").Live} live */
const championVersion = (live) => live.stats.value?.champion?.version ?? null;

/** @typedef {{classes: string[], features: string[] | null}} ModelFacts */
/** @typedef {import("./types").SchemaFeature[]} Schema the features in the order of a record's values */

/**
 * What `read` finds for a version, read once; `unknown` while it can't be read. A failed read is repeated at the next call.
 *
 * @template V
 * @param {(version: number) => Promise<V>} read
 * @param {V} unknown
 * @returns {(version: number) => Promise<V>}
 */
function readOnce(read, unknown) {
  /** @type {Map<number, Promise<V>>} */
  const byVersion = new Map();
  /** @param {number} version */
  async function attempt(version) {
    try {
      return await read(version);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      byVersion.delete(version);
      return unknown;
    }
  }
  return (version) => {
    const known = byVersion.get(version) ?? attempt(version);
    byVersion.set(version, known);
    return known;
  };
}

const factsOf = readOnce(
  async (version) => {
    const { classes, features } = await getJson("/v1/models/{version}", { params: { version } });
    return { classes: Object.keys(classes), features };
  },
  /** @type {ModelFacts} */ ({ classes: [], features: null }),
);
const schemaAt = readOnce(async () => (await getJson("/v1/schema")).features, /** @type {Schema | null} */ (null));

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
 * The features of the records: their names, kinds, and whether they may be missing.
 *
 * @param {number | null | undefined} champion its version; undefined or null: there is none yet
 * @returns {Schema | null} null: not known
 */
export function useSchema(champion) {
  const schema = () => (champion == null ? undefined : schemaAt(champion));
  return useAwaited(schema, /** @type {Schema | null} */ (null), [champion]);
}

/** The names of the features that are texts, as far as the champion's schema is known. @returns {Set<string>} */
export function useTextNames() {
  const schema = useSchema(useLive(championVersion));
  return useMemo(() => new Set(schema?.filter(({ kind }) => kind === "text").map(({ name }) => name)), [schema]);
}

/**
 * Values with their names. Pure.
 *
 * @param {import("./types").Features} features a value that isn't there by name is missing
 * @param {string[] | null} names of all features, in their order; null: not known
 * @returns {import("./types").NamedValue[]}
 */
export function named(features, names) {
  if (Array.isArray(features)) return features.map((value, i) => ({ feature: names?.[i] ?? "", value }));
  return (names ?? Object.keys(features)).map((feature) => ({ feature, value: features[feature] ?? null }));
}

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
