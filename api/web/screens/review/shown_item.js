/** The record that is asked about, beside what the model said of it, unless that is kept back. */
import { useResource } from "../../resource.js";
import { Badge } from "../../parts/badge.js";
import { Explanation } from "../../parts/explanation.js";
import { Icon } from "../../parts/icon.js";
import { Read } from "../../parts/loaded.js";
import { Record } from "../../parts/record.js";
import { html, useEffect } from "../../view.js";
import { begin } from "./session.js";

const CHOSEN = {
  audit: "Chosen at random",
  disagree: "Champion and shadow disagree",
  queue: "The model is least sure",
};
const WHY_BLIND = {
  audit: "Records chosen at random tell how good the model is. That is honest only where nobody is led by its answer.",
  disagree: "Two models answered differently. Which of them is right you tell without having seen either.",
};

const SEEN = {
  audit: "You have seen the model's answer: this doesn't count as an audit.",
  disagree: "You have seen a model's answer: this doesn't count between the two.",
};

/** @param {{item: import("./queue.js").Item}} props */
export function ShownItem({ item }) {
  useEffect(() => {
    begin();
    scrollTo(0, 0);
    document.getElementById("record-title").focus({ preventScroll: true });
  }, []);
  const note = html`
    <${Badge} kind=${item.blind ? "accent" : "plain"}>${CHOSEN[item.via] ?? item.via}<//>
    ${item.seen && html`<p class="seen"><${Icon} name="info" />${SEEN[item.via]}</p>`}
  `;
  const title = `What is ${item.subject ?? item.id ?? "this record"}?`;
  return html`
    <div class="judge">
      <${Record} title=${title} note=${note} record=${item} features=${item.features} />
      ${item.blind ? html`<${KeptBack} via=${item.via} />` : html`<${Why} item=${item} />`}
    </div>
  `;
}

function KeptBack({ via }) {
  return html`
    <section class="card kept-back" aria-labelledby="explanation-title">
      <div class="card-head"><h2 id="explanation-title">Answer first</h2></div>
      <p>The model's answer is kept back until yours is in. Then you see it above.</p>
      <p class="note">${WHY_BLIND[via]}</p>
    </section>
  `;
}

/** What another model than the live one answered, or was kept back at first, the queue doesn't explain: the prediction itself does. */
function Why({ item }) {
  const { answer, features, classes } = item;
  if (answer.base === null) return html`<${WhyOfFormer} item=${item} />`;
  return html`<${Explanation} answer=${answer} contributions=${features} base=${answer.base} classes=${classes} />`;
}

function WhyOfFormer({ item }) {
  const asked = useResource("/v1/predictions/{id}", { params: { id: item.prediction } });
  return html`<${Read} of=${asked}>
    ${({ contributions, base }) =>
      html`<${Explanation} answer=${item.answer} contributions=${contributions} base=${base} classes=${item.classes} />`}
  <//>`;
}
