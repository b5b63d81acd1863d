/** The command that trains the first model from labelled data. */
import { html } from "../view.js";

export function FirstModel() {
  return html`
    <pre class="command"><code>relearn model train --data digits</code></pre>
    <p class="note">or of your own data: <code>relearn model train --data FILE --label COLUMN</code></p>
  `;
}
