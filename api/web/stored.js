/** What is kept for the time of this tab, also over a reload. */

/** @param {string} name @returns {any} null: nothing stands there, or nothing that can be read */
export function stored(name) {
  try {
    return JSON.parse(sessionStorage.getItem(name));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return null;
  }
}
