/** A shadow: a challenger that answers beside the champion, and the evidence of the reviews so far. */
import { change, count, duration, plural } from "../../format.js";
import { Card } from "../../parts/card.js";
import { Meter } from "../../parts/meter.js";
import { Time } from "../../parts/time.js";
import { href } from "../../router.js";
import { html } from "../../view.js";

/** @typedef {NonNullable<import("../../types").Retraining["shadow"]>} ShadowState */

/**
 * @param {{shadow: ShadowState | null | undefined, linked?: boolean}} props null: nothing is drawn. `linked`: to its
 *   job
 */
export function Shadow({ shadow, linked = true }) {
  if (!shadow) return null;
  const { version, champion, job, since, fixed, broken, labels } = shadow;
  return html`
    <${Card} title=${`Model ${version} answers as a shadow`} note=${html`since <${Time} at=${since} />`}
      actions=${linked && html`<a href=${href("job", { id: job })}>Its job</a>`}>
      <p>
        Unseen, beside model ${champion}. Where reviews tell, it has fixed <strong>${count(fixed)}</strong> and broken
        ${" "}<strong>${count(broken)}</strong> of ${plural(labels, "record")}.
      </p>
      <${Gauge} ...${shadow} />
      <${Limits} ...${shadow} />
    <//>
  `;
}

/** @param {ShadowState} props */
function Gauge({ evidence, rejects_at: low, promotes_at: high }) {
  /** @param {number} value */
  const at = (value) => ({ left: `${100 * Math.min(1, Math.max(0, (value - low) / (high - low)))}%` });
  return html`
    <div class="gauge" role="img" aria-label=${`Evidence ${change(evidence)}, between ${change(low)} and ${change(high)}`}>
      <div class="gauge-line">
        <span class="gauge-zero" style=${at(0)}></span>
        <span class="gauge-at" style=${at(evidence)}></span>
      </div>
      <div class="gauge-words">
        <span>${change(low)} rejects it</span>
        <span>evidence <strong>${change(evidence)}</strong></span>
        <span>${change(high)} promotes it</span>
      </div>
    </div>
  `;
}

/** @param {ShadowState} props */
function Limits({ labels, labels_limit: most, elapsed_s: elapsed, time_limit_s: longest }) {
  return html`
    <div class="progress-rows">
      <div class="progress-row">
        <span>Labels</span><${Meter} share=${labels / most} /><span>${count(labels)} of ${count(most)}</span>
      </div>
      <div class="progress-row">
        <span>Time</span><${Meter} share=${elapsed / longest} />
        <span>${duration(Math.round(elapsed))} of ${duration(longest)}</span>
      </div>
    </div>
    <p class="note">Where either is used up before that is known, it is rejected.</p>
  `;
}
