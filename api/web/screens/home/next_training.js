/** What the learning loop is doing, and the progress of each trigger. */
import { local } from "../../format.js";
import { Card } from "../../parts/card.js";
import { Meter } from "../../parts/meter.js";
import { Skeleton } from "../../parts/skeleton.js";
import { Time } from "../../parts/time.js";
import { href } from "../../router.js";
import { html } from "../../view.js";

/** @type {Record<string, string>} */
const NAMES = { count: "Corrections", labels: "Labels", rate: "Error rate", drift: "Drift", schedule: "Schedule" };

/** @param {{retraining: import("../../types").Retraining | null}} props null: not read yet */
export function NextTraining({ retraining }) {
  if (!retraining) return html`<${Card} title="Next training"><${Skeleton} /><//>`;
  const { sentence, since, triggers, open_job: job } = retraining;
  return html`
    <${Card} title="Next training" note=${since && html`since <${Time} at=${since} />`}
      actions=${job && html`<a href=${href("job", { id: job })}>The open training</a>`}>
      <p class="words">${local(sentence)}</p>
      <div class="progress-rows">${triggers.map((one) => html`<${Row} key=${one.name} ...${one} />`)}</div>
    <//>
  `;
}

/** @param {import("../../types").Retraining["triggers"][number]} trigger */
function Row({ name, threshold, value, met, progress, waits_for: waits }) {
  if (threshold === null) {
    return html`<div class="progress-row off"><span>${NAMES[name] ?? name}</span><span></span><span>off</span></div>`;
  }
  return html`
    <div class="progress-row" title=${met ? "reached" : `waits for ${waits}`}>
      <span>${NAMES[name] ?? name}</span>
      <${Meter} share=${value === null ? null : value / threshold} kind=${met ? "good" : "accent"} />
      <span>${progress}</span>
    </div>
  `;
}
