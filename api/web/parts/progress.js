/** Progress as a bar, beside a text with the same figures. */
import { html } from "../view.js";

/** @param {{value: number | null, of: number, label: string}} props null: not known */
export function Progress({ value, of, label }) {
  return html`<progress class="progress" max=${of} value=${value ?? undefined} aria-label=${label}></progress>`;
}
