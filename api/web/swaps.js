/** Another model answers: told on every screen, once, by whatever tells it first. */
import { onEvents } from "./events.js";
import { onReading } from "./live.js";
import { showToast } from "./toasts.js";

/** Begin to tell; once, when the page starts. */
export function announceSwaps() {
  let known = { version: null, activation: 0 };

  function take({ version, activation }, news) {
    if (activation <= known.activation) return; // numbers only rise: this was told already, or is a second old
    const before = known.version;
    known = { version, activation };
    if (!news || version === before) return; // the same model, signed anew
    showToast(`Model ${version} answers now${before === null ? "" : ` (was ${before})`}`, { kind: "good" });
  }

  onEvents(["model"], (event) => event.role === "champion" && take(event, true));
  let first = true;
  onReading("stats", ({ value, error }) => {
    if (error || !value) return;
    if (value.champion) take(value.champion, !first);
    first = false;
  });
}
