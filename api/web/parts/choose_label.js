/** Chooses a label from a list, or a new one, when there is no room for buttons. */
import { submittedText } from "../forms.js";
import { html, useState } from "../view.js";

const ANOTHER = "\u0000another"; // no label contains that

/** @param {{name: string, classes: string[], onChoose: (label: string) => void}} props `name`: for screen readers */
export function ChooseLabel({ name, classes, onChoose }) {
  const [typing, setTyping] = useState(false);
  /** @param {{currentTarget: HTMLSelectElement}} event */
  const choose = (event) => {
    const { value } = event.currentTarget;
    event.currentTarget.value = "";
    if (value === ANOTHER) setTyping(true);
    else if (value) onChoose(value);
  };
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    const label = submittedText(event, "label");
    if (label) onChoose(label);
  };
  if (typing || classes.length === 0) {
    return html`<form class="new-label" onSubmit=${submit}>
      <input name="label" aria-label=${`${name}: the right label`} placeholder="The right label" maxlength="256" required
        autocomplete="off" autofocus=${typing} />
      <button type="submit">Say it</button>
    </form>`;
  }
  return html`<select aria-label=${name} onChange=${choose}>
    <option value="">Correct…</option>
    ${classes.map((label) => html`<option key=${label} value=${label}>${label}</option>`)}
    <option value=${ANOTHER}>Another label…</option>
  </select>`;
}
