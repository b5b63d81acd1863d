/** The reviewer's name: entered once, shown and changed afterwards. */
import { setReviewerName, useReviewer } from "../feedback/reviewer.js";
import { Card } from "./card.js";
import { Dialog } from "./dialog.js";
import { submittedText } from "../forms.js";
import { html, useEffect, useRef, useState } from "../view.js";

const LONGEST = 256;

export function AskReviewerName() {
  return html`
    <${Card} title="Who reviews?" class="ask-name">
      <p class="note">
        Your name is stored with your reviews, so that they can be compared with those of others and taken back. It is kept
        in this browser.
      </p>
      <${NameForm} yes="Begin" />
    <//>
  `;
}

/** The current name, with a button to change it. */
export function ReviewerName() {
  const { name, keyed } = useReviewer();
  const [open, setOpen] = useState(false);
  if (keyed) return html`<span class="note">You answer under your key's name</span>`;
  const close = () => setOpen(false);
  return html`
    <span class="note">You answer ${name ? html`as <strong>${name}</strong>` : "without a name"}</span>
    <button type="button" class="quiet" onClick=${() => setOpen(true)}>Change</button>
    ${open &&
    html`<${Dialog} title="Who reviews?" onClose=${close}><${NameForm} name=${name} yes="Keep" onDone=${close} /><//>`}
  `;
}

/** @param {{name?: string | null, yes: string, onDone?: () => void}} props */
function NameForm({ name, yes, onDone }) {
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  useEffect(() => field.current?.focus(), []); // the browser heeds `autofocus` only while it loads a document
  /** @param {string} given */
  const keep = (given) => {
    onDone?.();
    setReviewerName(given);
  };
  /** @param {SubmitEvent} event */
  const submit = (event) => keep(submittedText(event, "reviewer"));
  return html`
    <form class="name-form" onSubmit=${submit}>
      <label for="reviewer">Your name</label>
      <input id="reviewer" name="reviewer" ref=${field} required maxlength=${LONGEST} value=${name ?? ""} autocomplete="name" autofocus />
      <div class="dialog-actions">
        <button type="button" onClick=${() => keep("")}>Without a name</button>
        <button type="submit" class="primary">${yes}</button>
      </div>
    </form>
  `;
}
