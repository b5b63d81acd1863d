/** What a model's features are called, in its order: lists of predictions have their values alone. */
import { ask } from "./api.js";
import { askedOnce, useFound } from "./asked_once.js";

const byModel = askedOnce(async (version) => (await ask(`/v1/models/${version}`)).features, null);

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
 * @param {number | null | undefined} version of the model; undefined or null: of none yet
 * @returns {string[] | null} null: not known
 */
export function useFeatureNames(version) {
  return useFound(() => (version == null ? undefined : byModel(version)), null, [version]);
}
