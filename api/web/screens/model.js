/** One model: its origin, its quality, the gate's decision, its activations, and its training examples. */
import { useResource } from "../resource.js";
import { useMay } from "../access.js";
import { activate, useWaiting } from "../commands.js";
import { brief, count, percent, plural } from "../format.js";
import { useLive } from "../live.js";
import { Badge } from "../parts/badge.js";
import { Card } from "../parts/card.js";
import { Empty } from "../parts/empty.js";
import { Figure, Figures } from "../parts/figure.js";
import { loaded } from "../parts/loaded.js";
import { Screen } from "../parts/screen.js";
import { Time } from "../parts/time.js";
import { href } from "../router.js";
import { html } from "../view.js";
import { bootstrapShare, measuredOn, modelKind } from "../descriptions.js";
import { Examples } from "./models/examples.js";
import { Gate } from "./models/gate.js";
import { Activations, MadeOf, Origin } from "./models/lineage.js";
import { Quality } from "./models/quality.js";

/** @param {{id: string}} props */
export function Model({ id }) {
  const reading = useResource("/v1/models/{version}", { params: { version: id }, on: ["model", "job"] });
  const champion = useLive((live) => live.stats.value?.champion);
  const model = reading.value;
  const none = !model && (reading.error?.status === 404 || reading.error?.status === 400);
  return html`
    <${Screen} title=${`Model ${id}`} actions=${model && html`<${Actions} model=${model} champion=${champion} />`}>
      ${none
        ? html`<${Empty} title="There is no such model"><p>${reading.error?.detail}</p><a href=${href("models")}>All models</a><//>`
        : loaded(reading, (found) => html`<${Known} model=${found} />`, 8)}
    <//>
  `;
}

/** @typedef {import("../types").Model} ModelAnswer */

/** @param {{model: ModelAnswer, champion: {version: number} | null | undefined}} props */
function Actions({ model: { version, state }, champion }) {
  const waiting = useWaiting();
  const may = useMay("admin");
  if (state === "champion") return html`<${Badge} kind="good">champion: it answers now<//>`;
  return html`
    <${Badge} kind=${modelKind(state)}>${state}<//>
    ${may &&
    html`<button type="button" onClick=${() => activate({ version, state }, champion?.version ?? null)} disabled=${waiting}>
      Let it answer
    </button>`}
  `;
}

/** @param {{model: ModelAnswer}} props */
function Known({ model }) {
  const { version, metrics, live, examples, assumed, created_at: at, made_by: job } = model;
  return html`
    <div class="stack">
      <section class="card" aria-label="In short">
        <${Figures}>
          <${Figure} label=${metrics.imported ? "Right on labelled records" : "Right out of fold"} value=${percent(metrics.accuracy)}
            hint=${measuredOn(metrics)} />
          <${Figure} label="On what was loaded" value=${percent(bootstrapShare(metrics))} hint=${loadedOf(metrics)} />
          <${Figure} label="Live" value=${percent(live?.estimate)} hint=${auditsOf(live)} />
          <${Figure} label="Examples" value=${brief(examples)}
            hint=${madeOf(model)} />
          <${Figure} label="Answered" value=${plural(champions(model), "time")} hint="as the champion" />
          <${Figure} label="Made" value=${html`<${Time} at=${at} />`} />
        <//>
      </section>
      <div class="columns even">
        <${Origin} model=${model} />
        <${MadeOf} model=${model} />
      </div>
      <${Gate} gate=${job.metrics?.gate} champion=${job.champion} version=${version} />
      <${Card} title=${metrics.imported ? "On labelled records" : "Out of fold"} note=${measuredOn(metrics)}><${Quality} metrics=${metrics} /><//>
      <${Activations} activations=${model.activations} />
      ${!metrics.imported && html`<${Examples} version=${version} all=${examples + assumed} />`}
    </div>
  `;
}

/** @param {ModelAnswer["metrics"]} metrics */
const loadedOf = ({ bootstrap }) =>
  bootstrap ? `out of fold, on the ${count(bootstrap.examples)} labelled rows that all models have in common` : "not measured";
/** @param {ModelAnswer} model */
const madeOf = ({ metrics, assumed }) =>
  metrics.imported ? "imported: it has no training set" : assumed > 0 ? `labelled; and ${count(assumed)} assumed` : "labelled";
/** @param {ModelAnswer["live"]} live */
const auditsOf = (live) => (live ? `${percent(live.low)} to ${percent(live.high)}, by ${plural(live.n, "audit")}` : "no audit yet");
/** @param {ModelAnswer} model */
const champions = ({ activations }) => activations.filter((one) => one.role === "champion").length;
