/** How the stream, the model and the reviewers are doing. */
import { useAsked } from "../asked.js";
import { useLive } from "../live.js";
import { Problem } from "../parts/problem.js";
import { Screen } from "../parts/screen.js";
import { Skeleton } from "../parts/skeleton.js";
import { REIGNS, reignsOf } from "../reigns.js";
import { href } from "../router.js";
import { html, useMemo } from "../view.js";
import { names } from "../words.js";
import { Champion } from "./home/champion.js";
import { AccuracyChart, ThroughputChart } from "./home/charts.js";
import { Counts } from "./home/counts.js";
import { NextTraining } from "./home/next_training.js";
import { FirstSteps } from "./home/first_steps.js";
import { Workers } from "./home/workers.js";
import { OnHold } from "./models/hold.js";
import { Shadow } from "./models/shadow.js";

export function Home() {
  const { value: stats, error } = useLive((live) => live.stats);
  const retraining = useLive((live) => live.retraining.value);
  const promoted = useAsked("/v1/jobs", { query: REIGNS, on: ["model"] });
  const reigns = useMemo(() => reignsOf(promoted.value?.items ?? []), [promoted.value]);
  return html`
    <${Screen} title="Home" lead="The stream, the model that answers, and what people say of its answers.">
      <div class="stack">
        <${Problem} error=${error?.away ? null : error} />
        <${OnHold} hold=${retraining?.hold} />
        ${stats ? html`<${Known} stats=${stats} retraining=${retraining} reigns=${reigns} />` : html`<${Skeleton} lines=${8} />`}
      </div>
    <//>
  `;
}

function Known({ stats, retraining, reigns }) {
  return html`
    <${FirstSteps} stats=${stats} />
    <${Drifted} features=${stats.drifted} />
    <${Counts} stats=${stats} />
    <div class="columns even">
      <${Champion} stats=${stats} reigns=${reigns} />
      <${NextTraining} retraining=${retraining} />
    </div>
    <${Shadow} shadow=${retraining?.shadow} />
    <div class="columns even">
      <${ThroughputChart} reigns=${reigns} />
      <${AccuracyChart} reigns=${reigns} champion=${stats.champion} />
    </div>
    <${Workers} champion=${stats.champion} />
  `;
}

function Drifted({ features }) {
  if (features.length === 0) return null;
  return html`
    <p class="told warn">
      <strong>Drift</strong> in ${names(features)}: records no longer look as they did when this champion went live.
      ${" "}<a href=${href("drift")}>See how far</a>
    </p>
  `;
}
