/** Sample records: copies of real ones, as they are, so that nothing that never happened gets among what models learn from. */
import { getJson } from "../../api.js";

const LOOKED = 200;
const MOST = 1_000;

/**
 * @typedef {object} Samples
 * @property {import("./records.js").Records} records with their subjects: a copy is about what the original is about
 * @property {"stored" | "examples"} source copies of stored records; where there are none, of the champion's training examples
 * @property {number} different how many different ones there were to choose from
 */

/**
 * @param {number} n
 * @param {number | null} champion
 * @returns {Promise<Samples | null>} null: there is nothing to copy
 * @throws {import("../../api.js").ApiError}
 */
export async function sampleRecords(n, champion) {
  const limit = Math.min(MOST, Math.max(LOOKED, 4 * n));
  const stored = await getJson("/v1/predictions", { query: { limit } });
  if (stored.items.length) return chosen(n, stored.items, "stored");
  if (champion === null) return null;
  const used = await getJson("/v1/models/{version}/examples", { params: { version: champion }, query: { limit } });
  const items = used.items.map(({ key, features }) => ({ subject: key, features }));
  return items.length ? chosen(n, items, "examples") : null;
}

/** n of them at random, each once as long as there are enough. */
function chosen(n, items, source) {
  const picked = [];
  while (picked.length < n) picked.push(...shuffled(items).slice(0, n - picked.length));
  const records = { features: picked.map((one) => one.features) };
  if (picked.some((one) => one.subject)) records.subjects = picked.map((one) => one.subject);
  return { records, source, different: items.length };
}

function shuffled(items) {
  const order = [...items];
  for (let i = order.length - 1; i > 0; i -= 1) {
    const j = Math.floor(Math.random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
