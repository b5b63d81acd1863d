/** Models: when each was the champion, how good it is, and the commands to change the champion. */
import { usePages, useResource } from "../resource.js";
import { useMay } from "../access.js";
import { hold, useWaiting } from "../commands.js";
import { useLive } from "../live.js";
import { Card } from "../parts/card.js";
import { Empty } from "../parts/empty.js";
import { FirstModel } from "../parts/first_model.js";
import { ShowMore } from "../parts/show_more.js";
import { Problem } from "../parts/problem.js";
import { Screen } from "../parts/screen.js";
import { Skeleton } from "../parts/skeleton.js";
import { PROMOTED, championPeriods } from "../champions.js";
import { html, useMemo } from "../view.js";
import { OnHold } from "./models/hold.js";
import { ModelsTable } from "./models/models_table.js";
import { ChampionHistory } from "./models/champion_history.js";
import { Shadow } from "./models/shadow.js";
import { TrainNow } from "./models/train_now.js";

const LIMIT = { limit: 50 };
const NOTE = `out of fold: each on its own examples, as models answer them that were trained without them; on what was loaded: the
  same, on the labelled rows that all models have in common; at the gate: against the champion then`;

export function Models() {
  const retraining = useLive((live) => live.retraining.value);
  const stats = useLive((live) => live.stats.value);
  const pages = usePages("/v1/models", { query: LIMIT, on: ["model", "job"], idOf: (model) => model.version });
  const promoted = useResource("/v1/jobs", { query: PROMOTED, on: ["model", "job"] });
  const periods = useMemo(() => championPeriods(promoted.value?.items ?? []), [promoted.value]);
  return html`
    <${Screen} title="Models" lead="Which model answered when, and how good each is."
      actions=${html`<${Actions} retraining=${retraining} />`}>
      <div class="stack">
        <${Problem} error=${pages.error?.away ? null : pages.error} again=${pages.refresh} />
        <${OnHold} hold=${retraining?.hold} />
        <${Shadow} shadow=${retraining?.shadow} />
        ${periods.length > 0 && html`<${ChampionHistory} periods=${periods} />`}
        <${Card} title="All models" note=${NOTE}>
          ${pages.items.length > 0
            ? html`<${ModelsTable} models=${pages.items} stats=${stats} />`
            : pages.settled && !pages.error
              ? html`<${None} />`
              : html`<${Skeleton} />`}
          <${ShowMore} pages=${pages} />
        <//>
      </div>
    <//>
  `;
}

/** @param {{retraining: import("../types").Retraining | null}} props */
function Actions({ retraining }) {
  const waiting = useWaiting();
  const may = useMay("admin");
  if (!retraining || !may) return null;
  return html`
    ${!retraining.hold &&
    html`<button type="button" onClick=${hold} disabled=${waiting} title="Nothing is trained or promoted by itself until resumed">
      Hold automatic training
    </button>`}
    <${TrainNow} />
  `;
}

function None() {
  return html`
    <${Empty} title="No model yet">
      <p>The first one is trained from labelled data, in a shell:</p>
      <${FirstModel} />
    <//>
  `;
}
