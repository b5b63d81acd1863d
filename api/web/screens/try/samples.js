/** Sample records: unchanged copies of real ones, so that models learn from nothing that is made up. */
import { getJson } from "../../api.js";

const LOOKED = 200;
const MOST = 1_000;

/**
 * @typedef {object} Samples
 * @property {import("./records.js").Records} records with their subjects, so that a copy and its original count as one example
 * @property {"stored" | "examples"} source copies of stored records, or of the champion's training examples if there are none
 * @property {number} different how many different records were available
 */

/**
 * The champion is read here: the statistics of the page may not be known yet when the button is pressed.
 *
 * @param {number} n
 * @returns {Promise<Samples | null>} null: there is nothing to copy
 * @throws {import("../../api.js").ApiError}
 */
export async function sampleRecords(n) {
  const limit = Math.min(MOST, Math.max(LOOKED, 4 * n));
  const stored = await getJson("/v1/predictions", { query: { limit } });
  if (stored.items.length) return chosen(n, stored.items, "stored");
  const { champion } = await getJson("/v1/stats");
  if (!champion) return null;
  const used = await getJson("/v1/models/{version}/examples", { params: { version: champion.version }, query: { limit } });
  const items = used.items.map(({ key, features }) => ({ subject: key, features }));
  return items.length ? chosen(n, items, "examples") : null;
}

/**
 * n of them at random, each once while there are enough.
 *
 * @param {number} n
 * @param {{features: import("../../types").Features, subject: string | null}[]} items
 * @param {Samples["source"]} source
 * @returns {Samples}
 */
function chosen(n, items, source) {
  /** @type {typeof items} */
  const picked = [];
  while (picked.length < n) picked.push(...shuffled(items).slice(0, n - picked.length));
  /** @type {Samples["records"]} */
  const records = { features: picked.map((one) => one.features) };
  if (picked.some((one) => one.subject)) records.subjects = picked.map((one) => one.subject);
  return { records, source, different: items.length };
}

/** @template T @param {T[]} items */
function shuffled(items) {
  const order = [...items];
  for (let i = order.length - 1; i > 0; i -= 1) {
    const j = Math.floor(Math.random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
