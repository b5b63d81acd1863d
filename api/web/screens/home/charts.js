/** Throughput and accuracy since the page was opened, with the swaps marked. */
import { percent, rate, time } from "../../format.js";
import { useHistory } from "../../history.js";
import { Card } from "../../parts/card.js";
import { Chart } from "../../parts/chart.js";
import { Empty } from "../../parts/empty.js";
import { href } from "../../router.js";
import { html, useMemo } from "../../view.js";

const THROUGHPUT = [
  { label: "scored", color: "--accent", filled: true },
  { label: "stored", color: "--good", dashed: true },
];
const ACCURACY = [
  { label: "not above", color: "--accent", dashed: true },
  { label: "estimate", color: "--accent" },
  { label: "not below", color: "--accent", dashed: true },
];
const BAND = [0, 2];
/** Minimum number of points of a line. */
const LEAST = 2;

/** @param {{periods: import("../../champions.js").ChampionPeriod[]}} props */
export function ThroughputChart({ periods }) {
  const { columns } = useHistory();
  const { at, scored, stored } = columns;
  const data = useMemo(() => [at, scored, stored], [columns]);
  const marks = useMemo(() => marksOf(periods, at), [periods, columns]);
  const most = Math.max(...stored.filter((value) => value !== null), 0);
  const summary = at.length ? `${rate(stored.at(-1))} stored now, ${rate(most)} at most, since ${time(1000 * at[0])}.` : "";
  return html`
    <${Card} title="Throughput" note="records a second, since this page was opened">
      ${at.length < LEAST
        ? html`<${Gathering} />`
        : html`<${Chart} title="Throughput" summary=${summary} series=${THROUGHPUT} data=${data} marks=${marks} write=${rate} />`}
    <//>
  `;
}

/**
 * @param {{periods: import("../../champions.js").ChampionPeriod[], champion: import("../../types").Stats["champion"]}}
 *   props
 */
export function AccuracyChart({ periods, champion }) {
  const { columns } = useHistory();
  const { at, estimate, low, high } = columns;
  const data = useMemo(() => [at, high, estimate, low], [columns]);
  const marks = useMemo(() => marksOf(periods, at), [periods, columns]);
  const lows = low.filter((value) => value !== null);
  const tenths = Math.floor(10 * Math.min(...lows, 1));
  const range = useMemo(() => [tenths / 10, 1], [tenths]);
  return html`
    <${Card} title="Accuracy" note="of the champion, by its audits alone, with the 95 % interval">
      ${lows.length === 0 && html`<${NoAudits} champion=${champion} />`}
      ${lows.length > 0 && at.length < LEAST && html`<${Gathering} />`}
      ${lows.length > 0 &&
      at.length >= LEAST &&
      html`<${Chart} title="Accuracy" summary=${`${percent(estimate.at(-1))} now.`} series=${ACCURACY} data=${data} marks=${marks}
        write=${percent} range=${range} band=${BAND} />`}
    <//>
  `;
}

function Gathering() {
  return html`<${Empty} title="It begins now"><p>The first line is drawn in a few seconds.</p><//>`;
}

/** @param {{champion: import("../../types").Stats["champion"]}} props */
function NoAudits({ champion }) {
  const once = champion && `Once an audit of model ${champion.version} is reviewed, its accuracy is drawn here.`;
  return html`
    <${Empty} title="Nothing is known yet">
      <p>${once ?? "No model answers yet."}</p>
      ${champion && html`<a href=${href("review")}>Review some</a>`}
    <//>
  `;
}

/** The swaps within the chart. @param {import("../../champions.js").ChampionPeriod[]} periods @param {number[]} at */
function marksOf(periods, at) {
  const swaps = periods.map(({ from, version }) => ({ at: Date.parse(from) / 1000, label: `model ${version}` }));
  return swaps.filter((swap) => swap.at >= at[0] && swap.at <= at[at.length - 1]);
}
