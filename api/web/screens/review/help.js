/** The help on the keys. */
import { Dialog } from "../../parts/dialog.js";
import { html } from "../../view.js";

/** @type {[string[], string][]} */
const KEYS = [
  [["1", "…", "9"], "Answer with the label of that number. Labels that are digits have their own key."],
  [["⏎", "C"], "Confirm the model's answer. Not while it is hidden."],
  [["T"], "Can't tell: it isn't shown again in this tab, and goes to others when your claim on it runs out."],
  [["S"], "Skip: it comes again after the others."],
  [["U", "Ctrl Z"], "Take the last answer back, and see its record again."],
  [["/"], "Find a label, where there are many: only those nearest to the model's stand there at once."],
  [["?"], "This help."],
];

/** @param {{onClose: () => void}} props */
export function Help({ onClose }) {
  return html`
    <${Dialog} title="Keys" onClose=${onClose}>
      <dl class="keys">
        ${KEYS.map(
          ([keys, words]) => html`<div key=${words}>
            <dt>${keys.map((key) => (key === "…" ? " … " : html`<kbd>${key}</kbd> `))}</dt>
            <dd>${words}</dd>
          </div>`,
        )}
      </dl>
      <div class="dialog-actions"><button type="button" class="primary" onClick=${onClose} autofocus>Close</button></div>
    <//>
  `;
}
