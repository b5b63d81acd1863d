/** Drift: how far each feature and the margin have moved from the champion's first records. */
import { useResource } from "../resource.js";
import { UNKNOWN, chance, count, number, plural } from "../format.js";
import { useLive } from "../live.js";
import { useSchema } from "../model_facts.js";
import { Card } from "../parts/card.js";
import { Empty } from "../parts/empty.js";
import { Figure, Figures } from "../parts/figure.js";
import { FirstModel } from "../parts/first_model.js";
import { Progress } from "../parts/progress.js";
import { loaded } from "../parts/loaded.js";
import { Screen } from "../parts/screen.js";
import { Time } from "../parts/time.js";
import { href } from "../router.js";
import { html, useEffect } from "../view.js";
import { PixelMap } from "./drift/map.js";
import { Spreads } from "./drift/spreads.js";

/** A window closes without an event. */
const POLL_MS = 3_000;
/** @param {import("../live.js").Live} live */
const policyOf = (live) => live.retraining.value?.triggers.find((trigger) => trigger.name === "drift")?.progress ?? null;

export function Drift() {
  const drift = useResource("/v1/drift", { on: ["model"] });
  const look = drift.refresh;
  useEffect(() => {
    const timer = setInterval(() => !document.hidden && look(), POLL_MS);
    return () => clearInterval(timer);
  }, [look]);
  return html`
    <${Screen} title="Drift" lead="Whether records still look as they did when the champion went live.">
      ${loaded(drift, (found) => html`<${Watch} drift=${found} />`, 8)}
    <//>
  `;
}

/** @typedef {{drift: import("../types").Drift}} DriftProps */

/** @param {DriftProps} props */
function Watch({ drift }) {
  const schema = useSchema(drift.model);
  if (drift.state === "no champion") return html`<${NoChampion} />`;
  if (drift.state === "gathering") return html`<${Gathering} drift=${drift} />`;
  const all = [...drift.features, drift.margin];
  return html`
    <div class="stack">
      <${Summary} drift=${drift} of=${all.length} />
      <div class="columns">
        <${PixelCard} drift=${drift} />
        <${Explanation} limits=${drift.limits} />
      </div>
      <${Card} title="Features and margin" note="What moved most comes first">
        <${Spreads} spreads=${all} margin=${drift.margin} limits=${drift.limits}
          schema=${schema} />
      <//>
    </div>
  `;
}

function NoChampion() {
  return html`<${Card}>
    <${Empty} title="There is no champion yet">
      <p>Records are compared with the first ones that a champion answers. Train the first model on labelled records:</p>
      <${FirstModel} />
    <//>
  <//>`;
}

/** @param {DriftProps} props */
function Gathering({ drift }) {
  const { limits, gathered, model } = drift;
  const wanted = limits.reference_records;
  return html`<${Card}>
    <${Empty} title=${`Model ${model} is gathering its first records`}>
      <p>
        Later records will be compared with the first ${count(wanted)} that it answers: ${count(gathered)} of
        ${" "}${count(wanted)} have come.
      </p>
      <${Progress} value=${gathered} of=${wanted} label="Records gathered" />
      <p>Then every ${count(limits.window_records)} records are a window.</p>
      ${gathered === 0 && html`<a href=${href("try")}>Send some records</a>`}
    <//>
  <//>`;
}

/** @param {DriftProps & {of: number}} props */
function Summary({ drift, of }) {
  const { window, limits, drifted, gathered } = drift;
  const model = Number(drift.model);
  return html`
    <${Card}>
      <${Figures}>
        <${Figure} label="Drifted" value=${window ? `${count(drifted.length)} of ${count(of)}` : UNKNOWN}
          kind=${drifted.length ? "bad" : null} hint=${window ? "features, margin included" : "before the first window"} />
        <${Figure} label="Last window" value=${window ? count(window.number) : UNKNOWN}
          hint=${window ? html`<${Time} at=${window.at} />` : "there was none yet"} />
        <${Figure} label="Next window" value=${`${count(gathered)} of ${count(limits.window_records)}`}
          hint=${html`<${Progress} value=${gathered} of=${limits.window_records} label="Records of the next window" />`} />
        <${Figure} label="Champion" value=${html`<a href=${href("model", { id: model })}>Model ${model}</a>`}
          hint=${`compared with its first ${count(limits.reference_records)} records`} />
      <//>
    <//>
  `;
}

/** @param {{limits: import("../types").Drift["limits"]}} props */
function Explanation({ limits }) {
  const policy = useLive(policyOf);
  return html`
    <${Card} title="When something has drifted" class="drift-words">
      <p>
        The last ${count(limits.window_records)} records are a window. It is compared with the champion's first
        ${" "}${count(limits.reference_records)} records.
      </p>
      <p>
        A feature has drifted when, in ${plural(limits.windows, "window")} in a row, its PSI is at least ${number(limits.psi)},
        and p is below ${chance(limits.p)}.
      </p>
      <p class="note">
        PSI, the population stability index, is about 0 as long as records come as before. p is the chance of such a spread,
        or a stranger one, without drift.
      </p>
      ${policy && html`<p class="note">What it means for retraining: ${policy}.</p>`}
    <//>
  `;
}

/** @param {DriftProps} props */
function PixelCard({ drift }) {
  const map = drift.window && PixelMap({ features: drift.features, limit: drift.limits.psi });
  return map && html`<${Card} title="The picture, pixel by pixel">${map}<//>`;
}
