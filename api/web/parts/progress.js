/** How far something is, as a bar; the words beside it say the same. */
import { html } from "../view.js";

/** @param {{value: number | null, of: number, label: string}} props null: it isn't known how far */
export function Progress({ value, of, label }) {
  return html`<progress class="progress" max=${of} value=${value ?? undefined} aria-label=${label}></progress>`;
}
