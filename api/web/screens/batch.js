/** One batch: its figures, and its records, to be confirmed or corrected one by one or the rest at once. */
import { useResource } from "../resource.js";
import { useCell } from "../cell.js";
import { useClasses } from "../model_facts.js";
import { latestByPrediction, reviews } from "../feedback/kept_reviews.js";
import { count, dateTime, percent } from "../format.js";
import { Card } from "../parts/card.js";
import { Figure, Figures } from "../parts/figure.js";
import { loaded } from "../parts/loaded.js";
import { Screen } from "../parts/screen.js";
import { ReviewerName } from "../parts/reviewer_name.js";
import { href } from "../router.js";
import { html } from "../view.js";
import { ConfirmRest } from "./batch/confirm_rest.js";
import { Filters } from "./batch/filters.js";
import { Rows } from "./batch/rows.js";

const LEAD = "Correct what is wrong, then confirm the rest: together that is a review of the whole batch.";

/** @param {{id: string, query: Record<string, string>}} props */
export function Batch({ id, query }) {
  const reading = useResource("/v1/batches/{id}", { params: { id }, on: ["batch", "correction"] });
  return html`
    <${Screen} title=${`Batch ${id}`} lead=${LEAD} actions=${html`<${ReviewerName} />`}>
      ${loaded(reading, (batch) => html`<${Known} batch=${batch} query=${query} again=${reading.refresh} />`, 6)}
    <//>
  `;
}

/** @param {{batch: import("../types").Batch, query: Record<string, string>, again: () => void}} props */
function Known({ batch, query, again }) {
  const local = latestByPrediction(useCell(reviews));
  const models = Object.keys(batch.models);
  const { known } = useClasses(models.length > 0 ? Math.max(...models.map(Number)) : null);
  const classes = [...new Set([...known, ...Object.keys(batch.labels)])];
  const links = models.map((version) => html`<a key=${version} href=${href("model", { id: version })}>${version}</a> `);
  const share = batch.counted ? percent(batch.reviewed / batch.counted) : null;
  return html`
    <div class="stack">
      <${Card} title="What it came to" actions=${html`<${ConfirmRest} batch=${batch} local=${local} onDone=${again} />`}>
        <${Figures}>
          <${Figure} label="Records" value=${count(batch.records)} hint=${keptOf(batch)} />
          <${Figure} label="Reviewed" value=${count(batch.reviewed)} hint=${share} />
          <${Figure} label="Models" value=${links} />
          <${Figure} label="First record" value=${html`<span class="moment">${dateTime(batch.first_at)}</span>`} />
          <${Figure} label="Last record" value=${html`<span class="moment">${dateTime(batch.last_at)}</span>`} />
        <//>
      <//>
      <${Card} title="Records">
        <${Filters} batch=${batch} query=${query} />
        <${Rows} batch=${batch.batch} query=${query} classes=${classes} local=${local} />
      <//>
    </div>
  `;
}

/** The hint of a batch of which only a part is counted. @param {import("../types").Batch} batch */
function keptOf({ records, counted }) {
  return counted < records ? `figures are of ${count(counted)} that are kept` : null;
}
