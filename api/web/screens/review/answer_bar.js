/** What can be said of the record that is shown: always in reach, by mouse, by touch, and by the keys beside the words. */
import { useCell } from "../../cell.js";
import { Labels } from "../../parts/labels.js";
import { html } from "../../view.js";
import { perform } from "./actions.js";
import { session } from "./session.js";

/** @param {{item: import("./queue.js").Item, keys: Map<string, string>}} props */
export function AnswerBar({ item, keys }) {
  const { answers } = useCell(session);
  const predicted = item.answer?.label ?? null;
  const act = (asked) => () => perform({ act: asked }, item);
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

function Other({ words, keyed, onClick, disabled }) {
  return html`<button type="button" aria-keyshortcuts=${keyed} onClick=${onClick} disabled=${disabled}>
    ${words} <kbd aria-hidden="true">${keyed}</kbd>
  </button>`;
}
