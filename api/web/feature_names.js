/** What a model's features are called, in its order: lists of predictions have their values alone. */
import { ask } from "./api.js";
import { askedOnce, useFound } from "./asked_once.js";

const byModel = askedOnce(async (version) => (await ask(`/v1/models/${version}`)).features, null);

/**
 * @param {number | null | undefined} version of the model; undefined or null: of none yet
 * @returns {string[] | null} null: not known
 */
export function useFeatureNames(version) {
  return useFound(() => (version == null ? undefined : byModel(version)), null, [version]);
}
