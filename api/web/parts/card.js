/** A part of a screen with a heading of its own. */
import { html } from "../view.js";

/** @param {{title?: string, note?: any, actions?: any, class?: string, children: any}} props */
export function Card({ title, note, actions, class: more = "", children }) {
  const head = html`
    <div class="card-head">
      <h2>${title}</h2>
      ${note && html`<span class="note">${note}</span>`}
      ${actions && html`<div class="actions">${actions}</div>`}
    </div>
  `;
  return html`<section class=${`card ${more}`} aria-label=${title}>${title && head}${children}</section>`;
}
