/** All models, one per line: state, quality, and the button that activates it. */
import { useMay } from "../../access.js";
import { activate, rollBack, useWaiting } from "../../commands.js";
import { brief, percent } from "../../format.js";
import { useLive } from "../../live.js";
import { Badge } from "../../parts/badge.js";
import { Share } from "../../parts/meter.js";
import { Table } from "../../parts/table.js";
import { Time } from "../../parts/time.js";
import { formerChampion } from "../../champions.js";
import { href } from "../../router.js";
import { html, useMemo } from "../../view.js";
import { bootstrapShare, modelKind, tally } from "../../descriptions.js";

/** @typedef {import("../../types").ListedModel} ListedModel */
/** @typedef {import("../../types").Gate} Gate */

/** @param {{models: ListedModel[], stats: import("../../types").Stats | null}} props */
export function ModelsTable({ models, stats }) {
  const jobs = useLive((live) => live.jobs.value);
  const judged = useMemo(() => new Map(jobs?.items.map((job) => [job.id, gateOf(job)])), [jobs]);
  const champion = models.find((model) => model.state === "champion")?.version ?? stats?.champion?.version ?? null;
  const former = formerChampion(models);
  /** @type {import("../../parts/table.js").Column<ListedModel>[]} */
  const columns = [
    { title: "Model", cell: ({ version }) => html`<strong><a href=${href("model", { id: version })}>Model ${version}</a></strong>`, short: true },
    { title: "State", cell: (one) => html`<${Badge} kind=${modelKind(one.state)}>${one.state}<//>` },
    { title: "Out of fold", cell: (one) => html`<${Share} share=${one.metrics.accuracy} />` },
    { title: "On what was loaded", cell: (one) => html`<${Share} share=${bootstrapShare(one.metrics)} />` },
    { title: "Live, by its audits", cell: (one) => html`<${Live} model=${one} stats=${stats} />` },
    { title: "At the gate", cell: (one) => html`<${Gate} gate=${judged.get(one.job)} />` },
    { title: "Examples", cell: (one) => brief(one.examples), numeric: true },
    { title: "Made", cell: (one) => html`<${Time} at=${one.created_at} />`, short: true },
    { title: "Change", cell: (one) => html`<${Activate} model=${one} champion=${champion} former=${former} />` },
  ];
  return html`<${Table} caption="Models, the newest first" columns=${columns} rows=${models} keyOf=${versionOf} />`;
}

/** @param {import("../../types").Job} job @returns {Gate | undefined} */
const gateOf = ({ metrics }) => metrics?.gate;
/** @param {ListedModel} model */
const versionOf = ({ version }) => version;

/**
 * The button of the former champion reads "Roll back".
 *
 * @param {{model: ListedModel, champion: number | null, former: number | null}} props
 */
function Activate({ model, champion, former }) {
  const { version } = model;
  const waiting = useWaiting();
  const may = useMay("admin");
  if (version === champion) return html`<span class="note">answers now</span>`;
  if (!may) return null;
  const back = version === former && champion !== null;
  return html`
    <button type="button" class="in-row" onClick=${() => (back ? rollBack(version, champion) : activate(model, champion))} disabled=${waiting}>
      ${back ? `Roll back to ${version}` : `Activate ${version}`}
    </button>
  `;
}

/**
 * The accuracy of the champion changes with every audit.
 *
 * @param {{model: ListedModel, stats: import("../../types").Stats | null}} props
 */
function Live({ model: { version, live }, stats }) {
  const accuracy = version === stats?.champion?.version ? stats.accuracy : live;
  if (!accuracy) return percent(null);
  const { estimate, low, high } = accuracy;
  return html`<span>${percent(estimate)} <span class="note short">${percent(low)} to ${percent(high)}</span></span>`;
}

/** The first model had no champion to be compared with. @param {{gate: Gate | undefined}} props */
function Gate({ gate }) {
  const found = gate?.shadow?.shadow ?? gate?.evidence;
  return found ? tally(found) : percent(null);
}
