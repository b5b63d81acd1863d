/** One job: its reason, its progress, and the gate's decision on its model. */
import { isOurs } from "../ids.js";
import { useResource } from "../resource.js";
import { useLive } from "../live.js";
import { Badge } from "../parts/badge.js";
import { Card } from "../parts/card.js";
import { Empty } from "../parts/empty.js";
import { loaded } from "../parts/loaded.js";
import { Screen } from "../parts/screen.js";
import { href } from "../router.js";
import { html } from "../view.js";
import { CHALLENGES, OPEN, commandText, jobStateText, measuredOn } from "../descriptions.js";
import { Comparison } from "./models/comparison.js";
import { Gate } from "./models/gate.js";
import { JobFacts, TrainedOn } from "./models/job_facts.js";
import { PendingJob } from "./models/pending_job.js";
import { Quality } from "./models/quality.js";
import { Shadow } from "./models/shadow.js";
import { Steps } from "./models/steps.js";

/** @param {{id: string}} props */
export function Job({ id }) {
  const reading = useResource("/v1/jobs/{id}", { params: { id }, on: ["job"] });
  const job = reading.value;
  const state = job && jobStateText(job);
  return html`
    <${Screen} title=${job ? commandText(job) : "Job"} lead=${html`Job <code>${id}</code>`}
      actions=${state && html`<${Badge} kind=${state.kind}>${state.words}<//>`}>
      ${!job && reading.error?.status === 404
        ? html`<${isOurs(id) ? PendingJob : NoJob} again=${reading.refresh} />`
        : loaded(reading, (found) => html`<${Known} job=${found} />`, 8)}
    <//>
  `;
}

/** A command of another program may have any id; its job is shown once it is stored. */
function NoJob() {
  return html`<${Empty} title="There is no such job"><a href=${href("jobs")}>All jobs</a><//>`;
}

/** @param {{job: import("../types").Job}} props */
function Known({ job }) {
  const shadow = useLive((live) => live.retraining.value?.shadow);
  const { command, state, metrics, version, champion } = job;
  const trained = metrics?.trained_on;
  return html`
    <div class="stack">
      ${CHALLENGES.includes(command) && OPEN.includes(state) && html`<${Steps} job=${job} />`}
      ${state === "shadow" && shadow?.job === job.id && html`<${Shadow} shadow=${shadow} linked=${false} />`}
      <div class=${trained ? "columns even" : "stack"}>
        <${JobFacts} job=${job} />
        ${trained && html`<${TrainedOn} trained=${trained} />`}
      </div>
      <${Gate} gate=${metrics?.gate} champion=${champion} version=${version} />
      ${metrics && champion !== null && html`<${Comparison} challenger=${{ version, metrics }} champion=${champion} />`}
      ${metrics &&
      champion === null &&
      html`<${Card} title=${`Model ${version}: right answers`} note=${measuredOn(metrics)}>
        <${Quality} metrics=${metrics} />
      <//>`}
    </div>
  `;
}
