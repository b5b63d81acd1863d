/** Dialogs: the browser's own, which keep the focus inside and close with Escape. */
import { cell, useCell } from "../cell.js";
import { html, useEffect, useRef } from "../view.js";

/**
 * A dialog that stands as long as it is drawn.
 *
 * @param {{title: string, onClose: () => void, children: any}} props
 */
export function Dialog({ title, onClose, children }) {
  const dialog = useRef(null);
  useEffect(() => {
    const opener = document.activeElement;
    dialog.current.showModal();
    return () => opener?.focus?.();
  }, []);
  const cancel = (event) => {
    event.preventDefault(); // it goes when it is no longer drawn
    onClose();
  };
  return html`
    <dialog ref=${dialog} aria-labelledby="dialog-title" onCancel=${cancel}>
      <h2 id="dialog-title">${title}</h2>
      ${children}
    </dialog>
  `;
}

/** @type {ReturnType<typeof cell>} */
const question = cell(null);

/**
 * Ask before something that is felt by others; say in `text` what will happen.
 *
 * @param {{title: string, text: any, yes: string, danger?: boolean}} asked
 * @returns {Promise<boolean>}
 */
export function confirmed(asked) {
  question.get()?.answer(false);
  return new Promise((resolve) => {
    const answer = (yes) => {
      question.set(null);
      resolve(yes);
    };
    question.set({ ...asked, answer });
  });
}

/** Where `confirmed` asks; the shell draws it once. */
export function Confirmation() {
  const asked = useCell(question);
  if (!asked) return null;
  const { title, text, yes, danger, answer } = asked;
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
