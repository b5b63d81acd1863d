/** The champion and its accuracy. */
import { count, percent } from "../../format.js";
import { Card } from "../../parts/card.js";
import { Time } from "../../parts/time.js";
import { href } from "../../router.js";
import { html } from "../../view.js";
import { commandText, reasonText } from "../../descriptions.js";

/** @param {{stats: import("../../types").Stats, periods: import("../../champions.js").ChampionPeriod[]}} props */
export function Champion({ stats: { champion, accuracy }, periods }) {
  if (!champion) return html`<${Card} title="Champion"><p class="note">No model answers yet.</p><//>`;
  const { version, since, activation } = champion;
  return html`
    <${Card} title="Champion" note=${html`began to answer <${Time} at=${since} />`}>
      <p class="headline">
        <a href=${href("model", { id: version })}>Model ${version}</a> <span class="note">activation ${count(activation)}</span>
      </p>
      <${Why} period=${periods.find((one) => one.version === version)} />
      ${accuracy ? html`<${Accuracy} ...${accuracy} />` : html`<${NoAudit} version=${version} />`}
    <//>
  `;
}

/**
 * Nothing is drawn if the job isn't known.
 *
 * @param {{period: import("../../champions.js").ChampionPeriod | undefined}} props
 */
function Why({ period }) {
  if (!period) return null;
  const { job } = period;
  return html`<p><a href=${href("job", { id: job.id })}>${commandText({ ...job, requested: null })}</a>: ${reasonText(job)}</p>`;
}

/** @param {NonNullable<import("../../types").Stats["accuracy"]>} props */
function Accuracy({ n, right, estimate, low, high }) {
  const place = { left: `${100 * low}%`, width: `${100 * (high - low)}%` };
  return html`
    <p class="accuracy">
      <strong>${percent(estimate)}</strong> right${" "}
      <span class="note">with 95 % confidence ${percent(low)} to ${percent(high)}</span>
    </p>
    <div class="interval" aria-hidden="true">
      <span class="interval-range" style=${place}></span><span class="interval-at" style=${{ left: `${100 * estimate}%` }}></span>
    </div>
    <p class="note">
      Estimated from its audits alone, whose records were chosen at random: ${count(right)} of ${count(n)} confirmed.
    </p>
  `;
}

/** @param {{version: number}} props */
function NoAudit({ version }) {
  return html`
    <p>How often it is right isn't known: no audit of model ${version} has been reviewed yet.</p>
    <p class="next"><a class="button" href=${href("review")}>Review some</a></p>
  `;
}
