/** The dialog for the API key, when the API requires one. */
import { useCell } from "../cell.js";
import { enterKey, cancelKey, keyRequest } from "../api_key.js";
import { submittedText } from "../forms.js";
import { html } from "../view.js";
import { Dialog } from "./dialog.js";

export function KeyPrompt() {
  const wanted = useCell(keyRequest);
  if (!wanted) return null;
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    const text = submittedText(event, "key");
    if (text) enterKey(text);
  };
  return html`
    <${Dialog} title="A key is needed" onClose=${cancelKey}>
      <form onSubmit=${submit}>
        <p class="dialog-text" id="key-why">
          ${wanted.refused ? `The key was rejected. ${wanted.why}` : "This API requires a key."}
        </p>
        <label for="key">API key</label>
        <input id="key" name="key" type="password" required autocomplete="off" spellcheck=${false} autofocus
          aria-describedby="key-why" aria-invalid=${wanted.refused ? "true" : null} />
        <p class="note">It is kept for this tab only. <code>relearn key create --role review --name NAME</code> makes one for a reviewer;
          operators need the role admin.</p>
        <div class="dialog-actions">
          <button type="button" onClick=${cancelKey}>Cancel</button>
          <button type="submit" class="primary">Use this key</button>
        </div>
      </form>
    <//>
  `;
}
