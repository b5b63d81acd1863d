/** The light or the dark theme: as the system is set, unless chosen here. The choice is kept in local storage. */
import { cell } from "./cell.js";

const NAME = "relearn.theme"; // early_theme.js reads it too
/** @typedef {"system" | "light" | "dark"} Theme */

export const theme = cell(/** @type {Theme} */ (document.documentElement.dataset.theme ?? "system"));

/** Rises when the colours change: charts are drawn again. */
export const painted = cell(0);
const repaint = () => painted.set(painted.get() + 1);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);

/** @param {Theme} chosen */
export function choose(chosen) {
  if (chosen === "system") {
    delete document.documentElement.dataset.theme;
    localStorage.removeItem(NAME);
  } else {
    document.documentElement.dataset.theme = chosen;
    localStorage.setItem(NAME, chosen);
  }
  theme.set(chosen);
  repaint();
}
