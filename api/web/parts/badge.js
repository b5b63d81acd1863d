/** A state in a word; the colour only repeats the text. */
import { html } from "../view.js";

/** @param {{kind?: "plain" | "good" | "warn" | "bad" | "accent", children: any}} props */
export function Badge({ kind = "plain", children }) {
  return html`<span class=${`badge ${kind}`}>${children}</span>`;
}
