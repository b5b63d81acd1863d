/** What a model's features are called, in its order: lists of predictions have their values alone. Null: not known. */
import { ask } from "./api.js";
import { askedOnce, useFound } from "./asked_once.js";

const byPrediction = askedOnce(async (prediction) => {
  const { contributions } = await ask(`/v1/predictions/${prediction}`);
  return contributions?.map(({ feature }) => feature) ?? null;
}, null);
const byExample = askedOnce(async (version) => {
  const { items } = await ask(`/v1/models/${version}/examples`, { query: { limit: 1 } });
  return items.length ? Object.keys(items[0].features) : null;
}, null);

/**
 * As a prediction of the model tells them.
 *
 * @param {{prediction: string, model: number} | undefined} example undefined: there is none yet
 * @returns {string[] | null}
 */
export function useFeatureNames(example) {
  return useFound(() => example && byPrediction(example.model, example.prediction), null, [example?.model]);
}

/**
 * As one of the examples that the model was trained on names them.
 *
 * @param {number | null} version
 * @returns {string[] | null}
 */
export function useExampleNames(version) {
  return useFound(() => (version === null ? undefined : byExample(version)), null, [version]);
}
