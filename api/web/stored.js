/** JSON values in the tab's session storage, which survives a reload. */

/** @param {string} name @returns {any} null: there is no value, or it can't be parsed */
export function stored(name) {
  try {
    return JSON.parse(sessionStorage.getItem(name) ?? "null");
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return null;
  }
}
