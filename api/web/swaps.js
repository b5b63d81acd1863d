/**
 * A toast on every screen when another model becomes the champion: once, from the event or the reading that comes
 * first.
 */
import { onEvents } from "./events.js";
import { onReading } from "./live.js";
import { showToast } from "./toasts.js";

/** Called once, when the page starts. */
export function announceSwaps() {
  let known = { version: /** @type {number | null} */ (null), activation: 0 };

  /** @param {{version: number | null, activation: number}} champion @param {boolean} isNew */
  function take({ version, activation }, isNew) {
    if (activation <= known.activation) return; // activations only rise: this one was shown already, or is outdated
    const before = known.version;
    known = { version, activation };
    if (!isNew || version === before) return; // the same model with another signature
    showToast(`Model ${version} answers now${before === null ? "" : ` (was ${before})`}`, { kind: "good" });
  }

  onEvents(["model"], (event) => void (event.role === "champion" && take(event, true)));
  let first = true;
  onReading("stats", ({ value, error }) => {
    if (error || !value) return;
    if (value.champion) take(value.champion, !first);
    first = false;
  });
}
