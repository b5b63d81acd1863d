/** The champions from when to when: as a strip to the scale of time, and as a list, the latest first. */
import { dateTime, duration, time } from "../../format.js";
import { useNow } from "../../now.js";
import { Card } from "../../parts/card.js";
import { href } from "../../router.js";
import { html, useState } from "../../view.js";
import { commandText, reasonText } from "../../descriptions.js";

const SHOWN = 5;
/** Maximum number in the strip: more would be too narrow. */
const STRIP = 12;

/** @typedef {import("../../champions.js").ChampionPeriod} ChampionPeriod */

/** @param {{periods: ChampionPeriod[]}} props */
export function ChampionHistory({ periods }) {
  const now = useNow(5_000);
  const [all, setAll] = useState(false);
  const shown = all ? periods : periods.slice(0, SHOWN);
  return html`
    <${Card} title="Who answered">
      <${Strip} periods=${periods.slice(0, STRIP)} now=${now} />
      <ol class="reigns" reversed>
        ${shown.map((period) => html`<${Line} key=${period.from} period=${period} now=${now} />`)}
      </ol>
      ${periods.length > SHOWN &&
      html`<button type="button" class="quiet" onClick=${() => setAll(!all)}>
        ${all ? "Show fewer" : `Show all ${periods.length}`}
      </button>`}
    <//>
  `;
}

/**
 * The earliest at the left. Each has room for its number, however short it was.
 *
 * @param {{periods: ChampionPeriod[], now: number}} props
 */
function Strip({ periods, now }) {
  return html`
    <div class="strip" aria-hidden="true">
      ${periods.toReversed().map(
        (period) => html`
          <span key=${period.from} class=${period.to === null ? "now" : ""} title=${spanOf(period)}
            style=${{ flexGrow: lengthS(period, now) }}>${period.version}</span>
        `,
      )}
    </div>
  `;
}

/** @param {{period: ChampionPeriod, now: number}} props */
function Line({ period, now }) {
  const { version, to, job } = period;
  return html`
    <li class=${to === null ? "now" : ""}>
      <a href=${href("model", { id: version })}>Model ${version}</a>
      <span>${spanOf(period)} <span class="note">(${duration(Math.round(lengthS(period, now)))})</span></span>
      <span class="why">
        <a href=${href("job", { id: job.id })}>${commandText({ ...job, requested: null })}</a>: ${reasonText(job)}
      </span>
    </li>
  `;
}

/** @param {ChampionPeriod} period @param {number} now */
const lengthS = ({ from, to }, now) => Math.max(1, ((to === null ? now : Date.parse(to)) - Date.parse(from)) / 1000);

/** @param {ChampionPeriod} period */
function spanOf({ from, to }) {
  if (to === null) return `since ${dateTime(from)}`;
  const sameDay = new Date(from).toDateString() === new Date(to).toDateString();
  return `${dateTime(from)} – ${(sameDay ? time : dateTime)(to)}`;
}
