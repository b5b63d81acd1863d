/** The record to review, beside the model's answer unless that is hidden. */
import { useResource } from "../../resource.js";
import { Badge } from "../../parts/badge.js";
import { Explanation, sidesOf } from "../../parts/explanation.js";
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
  const { answer, features, classes } = item;
  const title = `What is ${item.subject ?? item.id ?? "this record"}?`;
  const sides = answer && sidesOf(answer.label, answer.margins, classes);
  /** @param {import("../../types").NamedValue[]} explained @param {any} why */
  const draw = (explained, why) => html`
    <div class="judge"><${Record} title=${title} note=${note} record=${item} features=${explained} sides=${sides} />${why}</div>
  `;
  if (item.blind) return draw(features, html`<${HiddenAnswer} via=${item.via} />`);
  if (!answer || answer.base === null) return html`<${OfFormer} item=${item} draw=${draw} />`;
  return draw(features, html`<${Explanation} answer=${answer} contributions=${features} base=${answer.base} classes=${classes} />`);
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
 * The explanation is the prediction's if the answer is another model's or was hidden.
 *
 * @param {ItemProps & {draw: (explained: import("../../types").NamedValue[], why: any) => any}} props
 */
function OfFormer({ item: { prediction, answer, features, classes }, draw }) {
  const reading = useResource("/v1/predictions/{id}", { params: { id: prediction } });
  const why = loaded(
    reading,
    ({ contributions, base }) =>
      html`<${Explanation} answer=${answer} contributions=${contributions} base=${base} classes=${classes} />`,
  );
  return draw(reading.value?.contributions ?? features, why);
}
