/** Light or dark: as the system is, unless set here. What was set is kept on this machine. */
import { cell } from "./cell.js";

const NAME = "relearn.theme"; // early_theme.js reads it too
/** @typedef {"system" | "light" | "dark"} Theme */

/** @type {ReturnType<typeof cell>} */
export const theme = cell(/** @type {Theme} */ (document.documentElement.dataset.theme ?? "system"));

/** Rises when the colours change, by whatever: pictures drawn in them are drawn again. */
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
