/** Which screen: the part of the address after `#`, read and written in one place. */
import { cell, useCell } from "./cell.js";

/** Their first word after `#/`, whether an id may follow, and the screen. */
const ROUTES = [
  { word: "", screen: "home" },
  { word: "review", screen: "review" },
  { word: "batches", screen: "batches", one: "batch" },
  { word: "predictions", one: "prediction" },
  { word: "models", screen: "models", one: "model" },
  { word: "jobs", screen: "jobs", one: "job" },
  { word: "drift", screen: "drift" },
  { word: "dead-letters", screen: "dead_letters" },
  { word: "try", screen: "try" },
];

/**
 * @typedef {object} Route
 * @property {string | null} screen null: there is none of that name
 * @property {string | null} id
 * @property {Record<string, string>} query
 */

/** @param {string} hash @returns {Route} */
export function readRoute(hash) {
  const [path, search = ""] = hash.replace(/^#?\/?/, "").split("?");
  const [word, ...rest] = path.split("/");
  const route = ROUTES.find((one) => one.word === word);
  const id = decoded(rest.join("/"));
  const query = Object.fromEntries(new URLSearchParams(search));
  return { screen: (id ? route?.one : route?.screen) ?? null, id: id || null, query };
}

/**
 * The address of a screen, or of one thing on it.
 *
 * @param {string} screen
 * @param {{id?: string | number, query?: Record<string, any>}} [of]
 */
export function href(screen, { id, query = {} } = {}) {
  const route = ROUTES.find((one) => one.screen === screen || one.one === screen);
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const search = given.length ? `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}` : "";
  return `#/${route?.word}${id === undefined ? "" : `/${encodeURIComponent(id)}`}${search}`;
}

const route = cell(readRoute(location.hash));
addEventListener("hashchange", () => route.set(readRoute(location.hash)));

export const useRoute = () => useCell(route);

/**
 * Go to an address of `href`. `replace`: without a step in the browser's history, for filters and the like.
 *
 * @param {string} address
 */
export function go(address, { replace = false } = {}) {
  if (!replace) {
    location.hash = address;
    return;
  }
  history.replaceState(null, "", address);
  route.set(readRoute(address));
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // typed by hand: as it stands
  }
}
