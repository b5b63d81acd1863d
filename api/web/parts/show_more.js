/** The button that reads the next page of a list. */
import { html } from "../view.js";

/** @param {{pages: {more: (() => void) | null, busy: boolean}}} props */
export function ShowMore({ pages: { more, busy } }) {
  if (!more) return null;
  return html`<div class="more"><button type="button" onClick=${more} disabled=${busy}>${busy ? "Loading…" : "Show more"}</button></div>`;
}
