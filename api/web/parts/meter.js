/** A share as a bar, beside a text with the same figure. */
import { percent } from "../format.js";
import { html } from "../view.js";

/** @param {{share: number | null, kind?: "accent" | "good" | "warn"}} props of one; null: nothing to measure */
export function Meter({ share, kind = "accent" }) {
  const width = `${100 * Math.min(1, Math.max(0, share ?? 0))}%`;
  return html`<span class=${`meter ${kind}`} aria-hidden="true"><span style=${{ width }}></span></span>`;
}

/** A share with its bar. @param {{share: number | null | undefined}} props */
export function Share({ share }) {
  return html`<span class="share"><${Meter} share=${share ?? null} /><span>${percent(share)}</span></span>`;
}
