/** A label chosen from a list, or a new one, where there is no room for buttons. */
import { html, useState } from "../view.js";

const ANOTHER = "\u0000another"; // no label can hold that

/** @param {{name: string, classes: string[], onChoose: (label: string) => void}} props `name`: for screen readers */
export function ChooseLabel({ name, classes, onChoose }) {
  const [typing, setTyping] = useState(false);
  const choose = (event) => {
    const { value } = event.target;
    event.target.value = "";
    if (value === ANOTHER) setTyping(true);
    else if (value) onChoose(value);
  };
  const submit = (event) => {
    event.preventDefault();
    const label = new FormData(event.currentTarget).get("label").trim();
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
