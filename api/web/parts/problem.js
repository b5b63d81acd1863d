/** An API error: what happened, which fields are wrong, and the request's id for the log. */
import { html } from "../view.js";
import { Icon } from "./icon.js";

/** @param {{error: import("../api.js").ApiError | null, again?: () => void}} props nothing is drawn without an error */
export function Problem({ error, again }) {
  if (!error) return null;
  return html`
    <div class="problem" role="alert">
      <${Icon} name="bad" />
      <div>
        <p><strong>${error.title}.</strong> ${error.detail}</p>
        ${error.faults.length > 1 &&
        html`<ul>
          ${error.faults.map((fault) => html`<li><code>${fault.field}</code> ${fault.detail}</li>`)}
        </ul>`}
        ${error.requestId && html`<p class="note">Request <code>${error.requestId}</code></p>`}
      </div>
      ${again && html`<button type="button" onClick=${again}>Try again</button>`}
    </div>
  `;
}
