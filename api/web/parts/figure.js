/** A number and its name, in large type. */
import { html } from "../view.js";

/**
 * A row of them. @param {{children: any}} props
 */
export function Figures({ children }) {
  return html`<dl class="figures">${children}</dl>`;
}

/**
 * @param {{label: string, value: any, hint?: any, kind?: "good" | "warn" | "bad"}} props `value` as text, not as number
 */
export function Figure({ label, value, hint, kind }) {
  return html`
    <div class=${`figure ${kind ?? ""}`}>
      <dt>${label}</dt>
      <dd>
        <span class="value">${value}</span>
        ${hint && html`<span class="hint">${hint}</span>`}
      </dd>
    </div>
  `;
}
