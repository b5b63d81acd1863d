/** Dialogs: the browser's own, which keep the focus inside and close with Escape. */
import { cell, useCell } from "../cell.js";
import { html, useEffect, useRef } from "../view.js";

/**
 * A dialog that is open while it is drawn.
 *
 * @param {{title: string, onClose: () => void, children: any}} props
 */
export function Dialog({ title, onClose, children }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => {
    const opener = /** @type {HTMLElement | null} */ (document.activeElement);
    dialog.current?.showModal();
    return () => opener?.focus?.();
  }, []);
  /** @param {Event} event */
  const cancel = (event) => {
    event.preventDefault(); // it closes when it is no longer drawn
    onClose();
  };
  return html`
    <dialog ref=${dialog} aria-labelledby="dialog-title" onCancel=${cancel}>
      <h2 id="dialog-title">${title}</h2>
      ${children}
    </dialog>
  `;
}

/** @typedef {{title: string, text: any, yes: string, danger?: boolean}} Question */

const question = cell(/** @type {(Question & {answer: (yes: boolean) => void}) | null} */ (null));

/**
 * Ask for confirmation of an action that affects others. `text` describes what will happen.
 *
 * @param {Question} given
 * @returns {Promise<boolean>}
 */
export function confirmed(given) {
  question.get()?.answer(false);
  return new Promise((resolve) => {
    /** @param {boolean} yes */
    const answer = (yes) => {
      question.set(null);
      resolve(yes);
    };
    question.set({ ...given, answer });
  });
}

/** The dialog of `confirmed`, drawn once by the page. */
export function Confirmation() {
  const open = useCell(question);
  if (!open) return null;
  const { title, text, yes, danger, answer } = open;
  return html`
    <${Dialog} title=${title} onClose=${() => answer(false)}>
      <div class="dialog-text">${text}</div>
      <div class="dialog-actions">
        <button type="button" onClick=${() => answer(false)}>Cancel</button>
        <button type="button" class=${danger ? "danger" : "primary"} onClick=${() => answer(true)}>${yes}</button>
      </div>
    <//>
  `;
}
