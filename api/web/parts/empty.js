/** Shown in place of an empty list: why it is empty, and what to do next. */
import { html } from "../view.js";

/** @param {{title: string, children?: any}} props */
export function Empty({ title, children }) {
  return html`
    <div class="empty">
      <p class="empty-title">${title}</p>
      ${children && html`<div class="empty-text">${children}</div>`}
    </div>
  `;
}
