/** Names and values, line by line. */
import { html } from "../view.js";

/** @param {{of: [string, any][]}} props pairs; those whose value is null or false aren't drawn */
export function FactList({ of }) {
  const shown = of.filter(([, value]) => value !== null && value !== false && value !== undefined);
  /** @param {[string, any]} fact */
  const line = ([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`;
  return html`<dl class="facts">${shown.map(line)}</dl>`;
}
