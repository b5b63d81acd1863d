/** Jobs: what was asked of the retrain role, why, and what came of it. */
import { usePages } from "../resource.js";
import { train, useWaiting } from "../commands.js";
import { number } from "../format.js";
import { useLive } from "../live.js";
import { useNow } from "../now.js";
import { Badge } from "../parts/badge.js";
import { Card } from "../parts/card.js";
import { Empty } from "../parts/empty.js";
import { FirstModel } from "../parts/first_model.js";
import { More } from "../parts/show_more.js";
import { Problem } from "../parts/problem.js";
import { Screen } from "../parts/screen.js";
import { Skeleton } from "../parts/skeleton.js";
import { Table } from "../parts/table.js";
import { Time } from "../parts/time.js";
import { go, href } from "../router.js";
import { html } from "../view.js";
import { commandText, jobStateText, jobDuration, reasonText } from "../descriptions.js";

const STATES = ["queued", "running", "shadow", "promoted", "rejected", "skipped", "failed"];
const COMMANDS = ["train", "activate", "rollback", "hold", "resume"];
const LIMIT = 50;

/** @param {{query: Record<string, string>}} props `state` and `command`: only such jobs */
export function Jobs({ query }) {
  const state = STATES.includes(query.state) ? query.state : null;
  const command = COMMANDS.includes(query.command) ? query.command : null;
  const pages = usePages("/v1/jobs", { query: { limit: LIMIT, state, command }, on: ["job"], idOf: (job) => job.id });
  return html`
    <${Screen} title="Jobs" lead="What was asked of the retrain role, by people or by the policy, and what came of it."
      actions=${html`<${Train} />`}>
      <div class="stack">
        <${Problem} error=${pages.error?.away ? null : pages.error} again=${pages.refresh} />
        <${Card} title="Jobs, the newest first" actions=${html`<${Filters} state=${state} command=${command} />`}>
          ${pages.items.length > 0
            ? html`<${List} jobs=${pages.items} />`
            : pages.settled && !pages.error
              ? html`<${None} filtered=${state !== null || command !== null} />`
              : html`<${Skeleton} />`}
          <${More} pages=${pages} />
        <//>
      </div>
    <//>
  `;
}

function Train() {
  const waiting = useWaiting();
  const open = useLive((live) => live.retraining.value?.open_job);
  if (open) return html`<a class="button" href=${href("job", { id: open })}>Show the open training</a>`;
  return html`<button type="button" class="primary" onClick=${train} disabled=${waiting}>Train now</button>`;
}

function Filters({ state, command }) {
  const choose = (chosen) => go(href("jobs", { query: { state, command, ...chosen } }), { replace: true });
  const select = (name, label, chosen, all) => html`
    <select aria-label=${label} onChange=${(event) => choose({ [name]: event.target.value })}>
      <option value="" selected=${chosen === null}>${label}</option>
      ${all.map((one) => html`<option key=${one} value=${one} selected=${chosen === one}>${one}</option>`)}
    </select>
  `;
  return html`
    <div class="job-filters">
      ${select("command", "All commands", command, COMMANDS)}${select("state", "All states", state, STATES)}
    </div>
  `;
}

function List({ jobs }) {
  const now = useNow(1_000);
  const columns = [
    { title: "Job", cell: (job) => html`<a href=${href("job", { id: job.id })}><strong>${commandText(job)}</strong></a>`, short: true },
    { title: "Why", cell: reasonText },
    { title: "State", cell: (job) => html`<${State} job=${job} />` },
    { title: "What came of it", cell: (job) => html`<${Outcome} job=${job} />`, wide: true },
    { title: "Took", cell: (job) => jobDuration(job, now), numeric: true },
    { title: "Asked for", cell: (job) => html`<${Time} at=${job.queued_at} />` },
  ];
  return html`<${Table} caption="Jobs" columns=${columns} rows=${jobs} keyOf=${(job) => job.id} />`;
}

function State({ job }) {
  const { words, kind } = jobStateText(job);
  return html`<${Badge} kind=${kind}>${words}<//>`;
}

/** The gate's words of a model that went live; why not, of everything else. */
function Outcome({ job: { version, error, metrics } }) {
  const gate = metrics?.gate;
  const why = error ?? gate?.shadow?.why ?? gate?.why;
  const model = version !== null && html`<a href=${href("model", { id: version })}>Model ${version}</a>`;
  if (!model && !why) return number(null);
  return html`<span>${model}${model && why && ": "}${why}</span>`;
}

function None({ filtered }) {
  if (filtered) return html`<${Empty} title="No such job"><a href=${href("jobs")}>All jobs</a><//>`;
  return html`
    <${Empty} title="No job yet">
      <p>A job is made when a model is asked for, by hand or by the policy. The first model is trained in a shell:</p>
      <${FirstModel} />
    <//>
  `;
}
