/** When the policy trains the next model: each trigger with its progress. */
import { local } from "../../format.js";
import { Badge } from "../../parts/badge.js";
import { Card } from "../../parts/card.js";
import { Meter } from "../../parts/meter.js";
import { Skeleton } from "../../parts/skeleton.js";
import { href } from "../../router.js";
import { html } from "../../view.js";

/** @type {Record<string, string>} */
const NAMES = { count: "Corrections", labels: "Labels", rate: "Error rate", drift: "Drift", schedule: "Schedule" };

/** @param {{retraining: import("../../types").Retraining | null}} props null: not read yet */
export function NextTraining({ retraining }) {
  if (!retraining) return html`<${Card} title="Next training"><${Skeleton} /><//>`;
  const { triggers, trigger, open_job: job } = retraining;
  /** @param {string} words */
  const written = (words) => local(job ? words.replaceAll(job, shortOf(job)) : words);
  const words = written(retraining.words);
  const obstacles = retraining.obstacles.map(written).filter((one) => !words.includes(one));
  return html`
    <${Card} title="Next training" actions=${job && html`<a href=${href("job", { id: job })}>The open training</a>`}>
      <p class="words">${words}</p>
      <div class="progress-rows">${triggers.map((one) => html`<${Row} key=${one.name} ...${one} />`)}</div>
      ${trigger && html`<p><${Badge} kind="accent">asked for now<//></p>`}
      ${obstacles.length > 0 &&
      html`<ul class="obstacles" aria-label="What stands in the way">
        ${obstacles.map((one) => html`<li key=${one}>${one}</li>`)}
      </ul>`}
    <//>
  `;
}

/** Ids are long; the link beside the heading leads to this job. @param {string} id */
const shortOf = (id) => id.slice(0, 8);

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
