/** Jobs: the commands to the retrain role, with their reasons and outcomes. */
import { usePages } from "../resource.js";
import { number } from "../format.js";
import { onValue } from "../forms.js";
import { useNow } from "../now.js";
import { Badge } from "../parts/badge.js";
import { Card } from "../parts/card.js";
import { Empty } from "../parts/empty.js";
import { FirstModel } from "../parts/first_model.js";
import { ShowMore } from "../parts/show_more.js";
import { Problem } from "../parts/problem.js";
import { Screen } from "../parts/screen.js";
import { Skeleton } from "../parts/skeleton.js";
import { Table } from "../parts/table.js";
import { Time } from "../parts/time.js";
import { go, href } from "../router.js";
import { html } from "../view.js";
import { TrainNow } from "./models/train_now.js";
import { commandText, jobStateText, jobDuration, reasonText } from "../descriptions.js";

const STATES = /** @type {const} */ (["queued", "running", "shadow", "superseded", "promoted", "rejected", "skipped", "failed"]);
const COMMANDS = /** @type {const} */ (["train", "import", "activate", "rollback", "hold", "resume", "schema"]);
const LIMIT = 50;

/** @typedef {import("../types").Job} Job */
/** @param {Job} job */
const idOf = (job) => job.id;

/** @param {{query: Record<string, string>}} props `query`: the filters `state` and `command` */
export function Jobs({ query }) {
  const state = STATES.find((one) => one === query.state) ?? null;
  const command = COMMANDS.find((one) => one === query.command) ?? null;
  const pages = usePages("/v1/jobs", { query: { limit: LIMIT, state, command }, on: ["job"], idOf });
  return html`
    <${Screen} title="Jobs" lead="Commands to the retrain role, from operators or from the policy, and their outcomes."
      actions=${html`<${TrainNow} />`}>
      <div class="stack">
        <${Problem} error=${pages.error?.away ? null : pages.error} again=${pages.refresh} />
        <${Card} title="Jobs, the newest first" actions=${html`<${Filters} state=${state} command=${command} />`}>
          ${pages.items.length > 0
            ? html`<${List} jobs=${pages.items} />`
            : pages.settled && !pages.error
              ? html`<${None} filtered=${state !== null || command !== null} />`
              : html`<${Skeleton} />`}
          <${ShowMore} pages=${pages} />
        <//>
      </div>
    <//>
  `;
}

/** @param {{state: string | null, command: string | null}} props */
function Filters({ state, command }) {
  /** @param {Record<string, string>} chosen */
  const choose = (chosen) => go(href("jobs", { query: { state, command, ...chosen } }), { replace: true });
  /** @param {string} name @param {string} label @param {string | null} chosen @param {readonly string[]} all */
  const select = (name, label, chosen, all) => html`
    <select aria-label=${label} onChange=${onValue((value) => choose({ [name]: value }))}>
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

/** @param {{jobs: Job[]}} props */
function List({ jobs }) {
  const now = useNow(1_000);
  /** @type {import("../parts/table.js").Column<Job>[]} */
  const columns = [
    { title: "Job", cell: (job) => html`<a href=${href("job", { id: job.id })}><strong>${commandText(job)}</strong></a>`, short: true },
    { title: "Why", cell: reasonText },
    { title: "State", cell: (job) => html`<${State} job=${job} />` },
    { title: "Outcome", cell: (job) => html`<${Outcome} job=${job} />`, wide: true },
    { title: "Took", cell: (job) => jobDuration(job, now), numeric: true },
    { title: "Asked for", cell: (job) => html`<${Time} at=${job.queued_at} />` },
  ];
  return html`<${Table} caption="Jobs" columns=${columns} rows=${jobs} keyOf=${idOf} />`;
}

/** @param {{job: Job}} props */
function State({ job }) {
  const { words, kind } = jobStateText(job);
  return html`<${Badge} kind=${kind}>${words}<//>`;
}

/** The error of a job, or the gate's reason. @param {{job: Job}} props */
function Outcome({ job: { version, error, metrics } }) {
  const gate = metrics?.gate;
  const why = error ?? gate?.shadow?.why ?? gate?.why;
  const model = version !== null && html`<a href=${href("model", { id: version })}>Model ${version}</a>`;
  if (!model && !why) return number(null);
  return html`<span>${model}${model && why && ": "}${why}</span>`;
}

/** @param {{filtered: boolean}} props */
function None({ filtered }) {
  if (filtered) return html`<${Empty} title="No such job"><a href=${href("jobs")}>All jobs</a><//>`;
  return html`
    <${Empty} title="No job yet">
      <p>A job is made for each command, from operators or from the policy. The first model is trained in a shell:</p>
      <${FirstModel} />
    <//>
  `;
}
