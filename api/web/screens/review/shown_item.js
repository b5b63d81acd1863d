/** The record to review, beside the model's answer unless that is hidden. */
import { useResource } from "../../resource.js";
import { Badge } from "../../parts/badge.js";
import { Explanation } from "../../parts/explanation.js";
import { Icon } from "../../parts/icon.js";
import { loaded } from "../../parts/loaded.js";
import { Record } from "../../parts/record.js";
import { html, useEffect } from "../../view.js";
import { begin } from "./session.js";

/** @type {Record<string, string>} */
const CHOSEN = {
  audit: "Chosen at random",
  disagree: "Champion and shadow disagree",
  queue: "The model is least sure",
};
/** @type {Record<string, string>} */
const WHY_BLIND = {
  audit: "Records chosen at random tell how good the model is. That holds only if its answer doesn't influence yours.",
  disagree: "Two models answered differently. Decide which is right without seeing either.",
};

/** @type {Record<string, string>} */
const SEEN = {
  audit: "You have seen the model's answer: this doesn't count as an audit.",
  disagree: "You have seen a model's answer: this doesn't count between the two.",
};

/** @typedef {{item: import("./queue.js").Item}} ItemProps */

/** @param {ItemProps} props */
export function ShownItem({ item }) {
  useEffect(() => {
    begin();
    scrollTo(0, 0);
    document.getElementById("record-title")?.focus({ preventScroll: true });
  }, []);
  const note = html`
    <${Badge} kind=${item.blind ? "accent" : "plain"}>${CHOSEN[item.via] ?? item.via}<//>
    ${item.seen && html`<p class="seen"><${Icon} name="info" />${SEEN[item.via]}</p>`}
  `;
  const title = `What is ${item.subject ?? item.id ?? "this record"}?`;
  return html`
    <div class="judge">
      <${Record} title=${title} note=${note} record=${item} features=${item.features} />
      ${item.blind ? html`<${HiddenAnswer} via=${item.via} />` : html`<${Why} item=${item} />`}
    </div>
  `;
}

/** @param {{via: string}} props */
function HiddenAnswer({ via }) {
  return html`
    <section class="card kept-back" aria-labelledby="explanation-title">
      <div class="card-head"><h2 id="explanation-title">Answer first</h2></div>
      <p>The model's answer is kept back until yours is in. Then you see it above.</p>
      <p class="note">${WHY_BLIND[via]}</p>
    </section>
  `;
}

/**
 * The explanation: from the queue's item, or from the prediction if the answer is another model's or was hidden.
 *
 * @param {ItemProps} props
 */
function Why({ item }) {
  const { answer, features, classes } = item;
  if (!answer || answer.base === null) return html`<${WhyOfFormer} item=${item} />`;
  return html`<${Explanation} answer=${answer} contributions=${features} base=${answer.base} classes=${classes} />`;
}

/** @param {ItemProps} props */
function WhyOfFormer({ item }) {
  const reading = useResource("/v1/predictions/{id}", { params: { id: item.prediction } });
  const { answer, classes } = item;
  return loaded(
    reading,
    ({ contributions, base }) =>
      html`<${Explanation} answer=${answer} contributions=${contributions} base=${base} classes=${classes} />`,
  );
}
