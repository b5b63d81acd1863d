/** A job's reason and outcome, and what its model was trained on. */
import { count, dateTime, plural } from "../../format.js";
import { useNow } from "../../now.js";
import { Card } from "../../parts/card.js";
import { FactList } from "../../parts/fact_list.js";
import { href } from "../../router.js";
import { html } from "../../view.js";
import { jobDuration, reasonText, senderText } from "../../descriptions.js";

const NAMED = 5;

/** @param {{job: import("../../types").Job}} props */
export function JobFacts({ job }) {
  const now = useNow();
  /** @param {number | null} version */
  const model = (version) => version !== null && html`<a href=${href("model", { id: version })}>Model ${version}</a>`;
  const facts = [
    ["Why", reasonText({ reason: job.reason })],
    ["By", senderText(job)],
    ["Model", model(job.version ?? job.requested)],
    ["Champion then", model(job.champion)],
    ["Asked for", dateTime(job.queued_at)],
    ["Begun", job.started_at && dateTime(job.started_at)],
    ["Ended", job.ended_at && dateTime(job.ended_at)],
    ["Took", job.started_at && jobDuration(job, now)],
    ["Why not", job.error],
  ];
  return html`<${Card} title="The job"><${FactList} of=${facts} /><//>`;
}

/** @param {{trained: import("../../types").TrainedOn}} props `trained_on` of the job's metrics */
export function TrainedOn({ trained }) {
  const { bootstrap, reviewed, assumed, corrections, confirmations, disputed, labels, cut = 0 } = trained;
  const { used = 0, available = 0 } = labels ?? {};
  const later = trained.waiting_for_later_jobs ?? 0;
  const whose = (trained.limited ?? []).slice(0, NAMED).map(({ reviewer, reviews = 0 }) => `${reviewer ?? "no name"} (${count(reviews)})`);
  const facts = [
    ["Examples", `${count(bootstrap)} bootstrap, ${count(reviewed)} reviewed, ${count(assumed)} assumed`],
    ["Sampled", used < available && `${count(used)} of ${plural(available, "label")}: the newest and a sample of the others`],
    ["Reviews", `${plural(corrections, "correction")}, ${plural(confirmations, "confirmation")}`],
    ["Known", cut > 0 ? `reviews up to number ${count(cut)}` : "before the first review"],
    ["Left for later", later > 0 && `${plural(later, "review")}: too many from ${whose.join(", ") || "one reviewer"}`],
    ["Disputed", disputed && disputed.length > 0 && html`<${Disputed} predictions=${disputed} />`],
  ];
  return html`<${Card} title="What it was trained on"><${FactList} of=${facts} /><//>`;
}

/** Predictions on which reviewers differ. @param {{predictions: string[]}} props */
function Disputed({ predictions }) {
  /** @param {string} id */
  const link = (id) => html`<a key=${id} href=${href("prediction", { id })}><code>${id}</code></a> `;
  const more = predictions.length - NAMED;
  return html`${predictions.slice(0, NAMED).map(link)}${more > 0 && ` and ${more} more`}`;
}
