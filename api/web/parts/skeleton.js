/** Grey lines in place of content that is loading. */
import { html } from "../view.js";

/** @param {{lines?: number}} props */
export function Skeleton({ lines = 3 }) {
  return html`
    <div class="skeleton">
      <span class="unseen">Loading…</span>
      ${Array.from({ length: lines }, (_, i) => html`<span class="skeleton-line" key=${i}></span>`)}
    </div>
  `;
}
