/** One prediction: its explanation and its reviews. */
import { useResource } from "../resource.js";
import { useClasses } from "../model_facts.js";
import { dateTime } from "../format.js";
import { Badge } from "../parts/badge.js";
import { Empty } from "../parts/empty.js";
import { Explanation, sidesOf } from "../parts/explanation.js";
import { loaded } from "../parts/loaded.js";
import { Record } from "../parts/record.js";
import { Screen } from "../parts/screen.js";
import { ReviewerName } from "../parts/reviewer_name.js";
import { href } from "../router.js";
import { html, useMemo } from "../view.js";
import { ReviewForm } from "./prediction/review_form.js";
import { Statements } from "./prediction/statements.js";

/** @param {{id: string}} props */
export function Prediction({ id }) {
  const reading = useResource("/v1/predictions/{id}", { params: { id }, on: ["correction"] });
  const times = reading.value && `Scored ${dateTime(reading.value.scored_at)}, stored ${dateTime(reading.value.stored_at)}`;
  return html`
    <${Screen} title=${`Prediction ${id}`} lead=${times} actions=${html`<${ReviewerName} />`}>
      ${!reading.value && reading.error && [400, 404].includes(reading.error.status)
        ? html`<${NoPrediction} error=${reading.error} />`
        : loaded(reading, (prediction) => html`<${Known} prediction=${prediction} />`, 8)}
    <//>
  `;
}

/** @param {{error: import("../api.js").ApiError}} props */
function NoPrediction({ error }) {
  return html`<${Empty} title="There is no such prediction">
    ${error.status === 404
      ? html`<p>${error.detail}</p>`
      : html`<p>A prediction's id is its record's place in Kafka, such as <code>1-0-1234</code>: generation, partition, offset.
          Your own record ids are shown beside the predictions of their batch.</p>`}
    <a href=${href("batches")}>All batches</a>
  <//>`;
}

/** @typedef {import("../types").Prediction} PredictionAnswer */

/** @param {{prediction: PredictionAnswer}} props */
function Known({ prediction }) {
  const { known, own } = useClasses(prediction.model);
  const features = useMemo(() => namedFeatures(prediction), [prediction]);
  const { contributions, base, subject, id, label, margins } = prediction;
  const title = subject ?? id ?? "The record";
  const note = html`<${Verdict} of=${prediction} />`;
  return html`
    <div class="stack">
      <div class="judge">
        <div class="stack">
          <${Record} title=${title} note=${note} record=${prediction} features=${features}
            sides=${sidesOf(label, margins, own)} />
          <${ReviewForm} prediction=${prediction} classes=${known} />
        </div>
        <${Explanation} answer=${prediction} contributions=${contributions} base=${base} classes=${own} />
      </div>
      <${Statements} prediction=${prediction} />
    </div>
  `;
}

/** @param {{of: PredictionAnswer}} props */
function Verdict({ of: { review, label, disputed } }) {
  if (disputed) return html`<${Badge} kind="bad">disputed<//>`;
  if (review === null) return html`<${Badge}>not reviewed<//>`;
  return review.label === label
    ? html`<${Badge} kind="good">confirmed<//>`
    : html`<${Badge} kind="warn">corrected to ${review.label}<//>`;
}

/** Features are numbered if the model, which has their names, isn't known. @param {PredictionAnswer} prediction */
function namedFeatures({ features, contributions }) {
  return contributions ?? features.map((value, i) => ({ feature: `x${i + 1}`, value }));
}
