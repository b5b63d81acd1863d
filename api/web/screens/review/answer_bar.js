/** The labels and actions for the record that is shown, by mouse, by touch, and by the keys beside the texts. */
import { useCell } from "../../cell.js";
import { Labels } from "../../parts/labels.js";
import { html } from "../../view.js";
import { perform } from "./actions.js";
import { session } from "./session.js";

/** @param {{item: import("./queue.js").Item, keys: Map<string, string>}} props */
export function AnswerBar({ item, keys }) {
  const { answers } = useCell(session);
  const predicted = item.answer?.label ?? null;
  /** @param {"confirm" | "cantTell" | "skip" | "undo"} name */
  const act = (name) => () => perform({ act: name }, item);
  /** @param {string} label */
  const choose = (label) => perform({ act: "label", label }, item);
  return html`
    <section class="answer-bar" aria-label="Your answer">
      <${Labels} key=${item.prediction} classes=${item.classes} keys=${keys} predicted=${predicted}
        margins=${item.answer?.margins} onChoose=${choose} />
      ${predicted !== null &&
      html`<button type="button" class="primary confirm" aria-keyshortcuts="Enter" onClick=${act("confirm")}>
        <span>Confirm ${predicted}</span><kbd aria-hidden="true">⏎</kbd>
      </button>`}
      <div class="others">
        <${Other} words="Can't tell" keyed="T" onClick=${act("cantTell")} />
        <${Other} words="Skip" keyed="S" onClick=${act("skip")} />
        <${Other} words="Undo" keyed="U" onClick=${act("undo")} disabled=${!answers.at(-1)?.item} />
      </div>
    </section>
  `;
}

/** @param {{words: string, keyed: string, onClick: () => void, disabled?: boolean}} props */
function Other({ words, keyed, onClick, disabled }) {
  return html`<button type="button" aria-keyshortcuts=${keyed} onClick=${onClick} disabled=${disabled}>
    ${words} <kbd aria-hidden="true">${keyed}</kbd>
  </button>`;
}
