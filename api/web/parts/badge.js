/** A word for how something stands; its colour only repeats what it says. */
import { html } from "../view.js";

/** @param {{kind?: "plain" | "good" | "warn" | "bad" | "accent", children: any}} props */
export function Badge({ kind = "plain", children }) {
  return html`<span class=${`badge ${kind}`}>${children}</span>`;
}
