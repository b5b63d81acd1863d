/** What a model's features are called: lists of predictions have their values alone. */
import { ApiError, ask } from "./api.js";
import { useEffect, useState } from "./view.js";

/** @type {Map<number, Promise<string[] | null>>} */
const asked = new Map();

/** @param {{prediction: string, model: number}} example a prediction of that model, which tells them */
function namesOf({ prediction, model }) {
  if (!asked.has(model)) asked.set(model, read(prediction, model));
  return asked.get(model);
}

async function read(prediction, model) {
  try {
    const { contributions } = await ask(`/v1/predictions/${prediction}`);
    return contributions?.map(({ feature }) => feature) ?? null;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    asked.delete(model);
    return null;
  }
}

/**
 * @param {{prediction: string, model: number} | undefined} example undefined: there is none yet
 * @returns {string[] | null} null: not known, or not yet
 */
export function useFeatureNames(example) {
  const [names, setNames] = useState(null);
  useEffect(() => {
    let wanted = true;
    if (example) namesOf(example).then((found) => wanted && setNames(found));
    return () => {
      wanted = false;
    };
  }, [example?.model]);
  return names;
}
