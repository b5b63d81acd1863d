/** The queue: records to judge, one after the other. */
import { useCell } from "../cell.js";
import { useReviewer } from "../feedback/reviewer.js";
import { useEvents } from "../live.js";
import { atOnce } from "../parts/labels.js";
import { Screen } from "../parts/screen.js";
import { AskName, WhoAnswers } from "../parts/who.js";
import { html, useEffect, useState } from "../view.js";
import { doIt } from "./review/acts.js";
import { AnswerBar } from "./review/answer_bar.js";
import { Help } from "./review/help.js";
import { keysOf, useKeys } from "./review/keys.js";
import { Nothing } from "./review/nothing.js";
import { goOn, queue, topUp } from "./review/queue.js";
import { ShownItem } from "./review/shown_item.js";
import { Strip } from "./review/strip.js";

const LEAD = "What you say here is what the next model learns from.";
/** Claims of others run out without an event, and the API looks at what is stored once a second. */
const LOOK_EVERY_MS = 3_000;

export function Review() {
  const reviewer = useReviewer();
  const [help, setHelp] = useState(false);
  const actions = html`
    ${reviewer.asked && html`<${WhoAnswers} />`}
    <button type="button" onClick=${() => setHelp(true)}>Keys <kbd aria-hidden="true">?</kbd></button>
  `;
  return html`
    <${Screen} title="Review" lead=${html`<span class="lead-of-review">${LEAD}</span>`} actions=${actions}>
      ${reviewer.asked ? html`<${Queue} onHelp=${() => setHelp(true)} />` : html`<${AskName} />`}
      ${help && html`<${Help} onClose=${() => setHelp(false)} />`}
    <//>
  `;
}

function Queue({ onHelp }) {
  const { items, more, atLeast, error, settled, lapsed } = useCell(queue);
  const item = lapsed ? null : (items[0] ?? null);
  const { classes = [], answer } = item ?? {};
  const keys = keysOf(classes, atOnce(classes, answer?.label, answer?.margins));
  useEffect(goOn, []);
  useEffect(() => {
    const timer = setInterval(() => !document.hidden && topUp(), LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  useEvents(["batch", "model", "reset"], topUp);
  useKeys(keys, (asked) => {
    if (asked.act === "help") onHelp();
    else if (lapsed && asked.act === "confirm") goOn();
    else return doIt(asked, item);
    return true;
  });
  return html`
    <${Strip} more=${more} atLeast=${atLeast} />
    ${item
      ? html`<${ShownItem} key=${item.prediction} item=${item} /><${AnswerBar} item=${item} keys=${keys} />`
      : html`<${Nothing} error=${error} settled=${settled} lapsed=${lapsed} />`}
  `;
}
