/** The labels that can be said: large buttons, and where there are many a field that finds them. */
import { html, useState } from "../view.js";

/** More than these are searched rather than looked through. */
const MANY = 12;
const LISTED = 30;

/**
 * @param {object} props
 * @param {string[]} props.classes
 * @param {(label: string) => void} props.onChoose
 * @param {Map<string, string>} [props.keys] the key of each label that has one
 * @param {string | null} [props.predicted] the model's, where that may be seen
 */
export function Labels({ classes, onChoose, keys, predicted = null }) {
  const [wanted, setWanted] = useState("");
  const words = wanted.trim().toLowerCase();
  const found = classes.filter((label) => label.toLowerCase().includes(words));
  const exact = classes.some((label) => label === wanted.trim());
  const many = classes.length > MANY || classes.length === 0;
  const choose = (label) => {
    setWanted("");
    onChoose(label);
  };
  const submit = (event) => {
    event.preventDefault();
    if (words && found.length > 0) choose(found[0]);
  };
  return html`
    <div class="labels" role="group" aria-label="The right label">
      ${many &&
      html`<form onSubmit=${submit}>
        <input id="find-label" type="search" placeholder="Find a label" aria-label="Find a label" autocomplete="off"
          value=${wanted} onInput=${(event) => setWanted(event.target.value)} />
      </form>`}
      ${found.slice(0, LISTED).map(
        (label) => html`
          <button key=${label} type="button" class=${label === predicted ? "label predicted" : "label"}
            aria-keyshortcuts=${keys?.get(label)} onClick=${() => choose(label)}>
            ${keys?.has(label) && keys.get(label) !== label && html`<kbd aria-hidden="true">${keys.get(label)}</kbd>`}
            <span>${label}</span>
            ${label === predicted && html`<span class="unseen">, as the model says</span>`}
          </button>
        `,
      )}
      ${many &&
      words &&
      !exact &&
      html`<button type="button" class="label" onClick=${() => choose(wanted.trim())}>
        New label “${wanted.trim()}”
      </button>`}
      ${found.length > LISTED && html`<span class="note">and ${found.length - LISTED} more: type to find them</span>`}
    </div>
  `;
}
