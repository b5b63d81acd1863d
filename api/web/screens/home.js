/** The state of the stream, the model and the reviews. */
import { useResource } from "../resource.js";
import { useLive } from "../live.js";
import { Problem } from "../parts/problem.js";
import { Screen } from "../parts/screen.js";
import { Skeleton } from "../parts/skeleton.js";
import { Time } from "../parts/time.js";
import { PROMOTED, championPeriods } from "../champions.js";
import { local } from "../format.js";
import { href } from "../router.js";
import { html, useMemo } from "../view.js";
import { names } from "../descriptions.js";
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
  const promoted = useResource("/v1/jobs", { query: PROMOTED, on: ["model"] });
  const periods = useMemo(() => championPeriods(promoted.value?.items ?? []), [promoted.value]);
  return html`
    <${Screen} title="Home" lead="The stream, the champion, and the reviews of its answers.">
      <div class="stack">
        <${Problem} error=${error?.away ? null : error} />
        <${OnHold} hold=${retraining?.hold} />
        <${Alerts} alerts=${retraining?.alerts ?? []} />
        ${stats ? html`<${Known} stats=${stats} retraining=${retraining} periods=${periods} />` : html`<${Skeleton} lines=${8} />`}
      </div>
    <//>
  `;
}

/**
 * @param {{stats: import("../types").Stats, retraining: import("../types").Retraining | null,
 *   periods: import("../champions.js").ChampionPeriod[]}} props
 */
function Known({ stats, retraining, periods }) {
  return html`
    <${FirstSteps} stats=${stats} />
    <${Drifted} features=${stats.drifted} />
    <${Counts} stats=${stats} />
    <div class="columns even">
      <${Champion} stats=${stats} periods=${periods} />
      <${NextTraining} retraining=${retraining} />
    </div>
    <${Shadow} shadow=${retraining?.shadow} />
    <div class="columns even">
      <${ThroughputChart} periods=${periods} />
      <${AccuracyChart} periods=${periods} champion=${stats.champion} />
    </div>
    <${Workers} champion=${stats.champion} />
  `;
}

/** What is wrong with the learning. @param {{alerts: import("../types").Retraining["alerts"]}} props */
function Alerts({ alerts }) {
  return alerts.map(
    ({ code, detail, since }) => html`
      <p key=${code} class="told warn">
        <strong>Alert:</strong> ${written(detail)}${since && html` (since <${Time} at=${since} />)`}
      </p>
    `,
  );
}

/** The text with its times in the user's time zone, and what backticks enclose as code. @param {string} words */
const written = (words) => local(words).split("\x60").map((part, i) => (i % 2 ? html`<code>${part}</code>` : part));

/** @param {{features: string[]}} props */
function Drifted({ features }) {
  if (features.length === 0) return null;
  return html`
    <p class="told warn">
      <strong>Drift</strong> in ${names(features)}: records no longer look as they did when this champion went live.
      ${" "}<a href=${href("drift")}>See how far</a>
    </p>
  `;
}
