/** Shown while there is no record to review: why, and what to do next. */
import { useLive } from "../../live.js";
import { Empty } from "../../parts/empty.js";
import { Problem } from "../../parts/problem.js";
import { Skeleton } from "../../parts/skeleton.js";
import { href } from "../../router.js";
import { html } from "../../view.js";
import { resumeReview, fetchMore } from "./queue.js";

/** @typedef {import("../../live.js").Live} Live */
/** @param {Live} live */
const statsOf = (live) => live.stats.value;
/** @param {Live} live */
const retrainingOf = (live) => live.retraining.value;

/** @param {{error: import("../../api.js").ApiError | null, settled: boolean, lapsed: boolean}} props */
export function EmptyQueue({ error, settled, lapsed }) {
  const stats = useLive(statsOf);
  const retraining = useLive(retrainingOf);
  if (lapsed) return html`<${Lapsed} />`;
  if (!settled || error?.away) return html`<${Skeleton} lines=${6} />`;
  if (error) return html`<${Problem} error=${error} again=${fetchMore} />`;
  if (stats && !stats.champion) {
    return html`<${Empty} title="No model answers yet">
      <p>
        There is nothing to review before there is a model. <code>relearn model train --data digits --rows 60</code> trains a
        first one.
      </p>
      <a class="button" href=${href("models")}>Go to the models</a>
    <//>`;
  }
  return html`<${Empty} title="Nothing waits for review">
    <p>Every recent record is reviewed, or shown to another reviewer now. New ones come here by themselves.</p>
    ${retraining?.hold &&
    html`<p>Promotion is on hold: no better model takes over <a href=${href("models")}>until it is resumed</a>.</p>`}
    <a class="button primary" href=${href("try")}>Send some records</a>
  <//>`;
}

function Lapsed() {
  return html`<${Empty} title="Your records went back to the others">
    <p>There was no answer in time, so other reviewers may get them. Your earlier answers are safe.</p>
    <button type="button" class="primary" onClick=${resumeReview}>Go on <kbd aria-hidden="true">⏎</kbd></button>
  <//>`;
}
