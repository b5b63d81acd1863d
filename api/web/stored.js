/**
 * JSON values in the tab's session storage, which survives a reload. Each deployment has its own: two may be served at one
 * address, one after the other, and the records of one are unknown to the other.
 */
const HERE = "relearn.deployment";

/** The deployment whose values these are; null before its API has answered for the first time in this tab. */
let deployment = sessionStorage.getItem(HERE);
/** @type {Set<string>} */
const names = new Set();

/** @param {string} name */
const placeOf = (name) => (deployment === null ? name : `${name}@${deployment}`);

/** @param {string} name @returns {any} null: there is no value, or it can't be parsed */
export function stored(name) {
  names.add(name);
  try {
    return JSON.parse(sessionStorage.getItem(placeOf(name)) ?? "null");
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return null;
  }
}

/** @param {string} name @param {unknown} value */
export const store = (name, value) => sessionStorage.setItem(placeOf(name), JSON.stringify(value));

/** @param {string} name */
export const discard = (name) => sessionStorage.removeItem(placeOf(name));

let restarting = false;

/** Whether the page starts again for another deployment: nothing is lost by it, and nothing may be sent. */
export const isRestarting = () => restarting;

/**
 * Note which deployment answers. Where the values are those of another one, the page starts again.
 *
 * @param {string} id
 * @returns {boolean} whether the values are those of this one
 */
export function noteDeployment(id) {
  if (restarting) return false;
  if (id === deployment) return true;
  sessionStorage.setItem(HERE, id);
  if (deployment !== null) {
    restarting = true;
    location.reload();
    return false;
  }
  const values = [...names].map((name) => /** @type {const} */ ([name, sessionStorage.getItem(name)]));
  deployment = id;
  for (const [name, value] of values) {
    sessionStorage.removeItem(name);
    if (value !== null) sessionStorage.setItem(placeOf(name), value);
  }
  return true;
}
