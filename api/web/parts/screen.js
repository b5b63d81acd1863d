/** The frame of a screen: its heading, which is the window's title as well, a line of explanation, and actions. */
import { html, useEffect } from "../view.js";

/** @param {{title: string, lead?: any, actions?: any, children: any}} props */
export function Screen({ title, lead, actions, children }) {
  useEffect(() => {
    document.title = `${title} · Relearn`;
  }, [title]);
  return html`
    <header class="screen-head">
      <div>
        <h1 tabindex="-1">${title}</h1>
        ${lead && html`<p class="lead">${lead}</p>`}
      </div>
      ${actions && html`<div class="actions">${actions}</div>`}
    </header>
    ${children}
  `;
}
