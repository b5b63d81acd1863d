/** The labels that a review may give: large buttons, with a search field when there are many. */
import { onValue } from "../forms.js";
import { html, useRef, useState } from "../view.js";

/** More than these are searched rather than looked through. */
const MANY = 12;
const LISTED = 100;
/** How many of many labels are shown at once. */
const NEAR = 4;
/** Labels up to this length are drawn in columns of one width. */
const SHORT = 2;

/**
 * The labels that are shown at once: all, unless they are many; then the model's own and those with the next largest
 * margins, if these may be seen. Pure.
 *
 * @param {string[]} classes
 * @param {string | null} [predicted] null: it is hidden
 * @param {number[]} [margins] of each class, if known
 */
export function atOnce(classes, predicted = null, margins = []) {
  if (classes.length <= MANY) return classes;
  if (predicted === null) return [];
  if (margins.length !== classes.length) return [predicted];
  const order = classes.map((_, i) => i).sort((a, b) => margins[b] - margins[a]);
  return [...new Set([predicted, ...order.map((i) => classes[i])])].slice(0, NEAR);
}

/**
 * @param {object} props
 * @param {string[]} props.classes
 * @param {(label: string) => void} props.onChoose
 * @param {Map<string, string>} [props.keys] the key of each label that has one
 * @param {string | null} [props.predicted] the model's, if it may be seen
 * @param {number[]} [props.margins] the model's, of each class
 */
export function Labels({ classes, onChoose, keys, predicted = null, margins }) {
  const [wanted, setWanted] = useState("");
  const [open, setOpen] = useState(false);
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const words = wanted.trim().toLowerCase();
  const many = classes.length > MANY || classes.length === 0;
  const found = many && !open && !words ? atOnce(classes, predicted, margins) : matching(classes, words);
  const exact = classes.some((label) => label === wanted.trim());
  /** @param {string} label */
  const choose = (label) => {
    setWanted("");
    setOpen(false);
    onChoose(label);
  };
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    if (words && found.length > 0) choose(found[0]);
  };
  /** @param {KeyboardEvent} event */
  const leave = (event) => {
    if (event.key !== "Escape") return;
    setWanted("");
    setOpen(false);
    field.current?.blur();
  };
  const kind = `labels${classes.every((label) => label.length <= SHORT) ? " short" : ""}${open ? " open" : ""}`;
  return html`
    <div class=${kind} role="group" aria-label="The right label" tabindex=${many && open ? 0 : null}>
      ${many &&
      html`<form onSubmit=${submit} onKeyDown=${leave}>
        <input id="find-label" type="search" placeholder=${`Find one of ${classes.length} labels`} aria-label="Find a label"
          autocomplete="off" ref=${field} value=${wanted} onFocus=${() => setOpen(true)}
          onInput=${onValue(setWanted)} />
        <button type="button" aria-expanded=${open} onClick=${() => setOpen(!open)}>${open ? "Fewer" : "All"}</button>
      </form>`}
      ${found.slice(0, LISTED).map(
        (label) => html`
          <button key=${label} type="button" class=${label === predicted ? "label predicted" : "label"}
            aria-keyshortcuts=${keys?.get(label)} onClick=${() => choose(label)}>
            ${keys?.has(label) && keys.get(label) !== label && html`<kbd aria-hidden="true">${keys.get(label)}</kbd>`}
            <span>${label}</span>
            ${label === predicted && html`<span class="unseen">, the model's answer</span>`}
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

/** The exact match first, then the labels that begin with the words. @param {string[]} classes @param {string} words */
function matching(classes, words) {
  /** @param {string} label */
  const rank = (label) => (label === words ? 0 : label.startsWith(words) ? 1 : 2);
  const found = classes.map((label) => ({ label, low: label.toLowerCase() })).filter(({ low }) => low.includes(words));
  return found.sort((a, b) => rank(a.low) - rank(b.low)).map(({ label }) => label);
}
