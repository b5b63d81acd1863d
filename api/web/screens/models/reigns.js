/** Who answered from when to when: as a strip in the measure of time, and in words, the latest first. */
import { dateTime, duration, time } from "../../format.js";
import { useNow } from "../../now.js";
import { Card } from "../../parts/card.js";
import { href } from "../../router.js";
import { html, useState } from "../../view.js";
import { commandOf, reasonOf } from "../../words.js";

const SHOWN = 5;
/** More of them would be too narrow to be told apart. */
const STRIP = 12;

/** @param {{reigns: import("../../reigns.js").Reign[]}} props */
export function Reigns({ reigns }) {
  const now = useNow(5_000);
  const [all, setAll] = useState(false);
  const shown = all ? reigns : reigns.slice(0, SHOWN);
  return html`
    <${Card} title="Who answered">
      <${Strip} reigns=${reigns.slice(0, STRIP)} now=${now} />
      <ol class="reigns" reversed>
        ${shown.map((reign) => html`<${Line} key=${reign.from} reign=${reign} now=${now} />`)}
      </ol>
      ${reigns.length > SHOWN &&
      html`<button type="button" class="quiet" onClick=${() => setAll(!all)}>
        ${all ? "Show fewer" : `Show all ${reigns.length}`}
      </button>`}
    <//>
  `;
}

/** The earliest at the left. Each has room for its number, whatever little time it had. */
function Strip({ reigns, now }) {
  return html`
    <div class="strip" aria-hidden="true">
      ${reigns.toReversed().map(
        (reign) => html`
          <span key=${reign.from} class=${reign.to === null ? "now" : ""} title=${spanOf(reign)}
            style=${{ flexGrow: lengthS(reign, now) }}>${reign.version}</span>
        `,
      )}
    </div>
  `;
}

function Line({ reign, now }) {
  const { version, to, job } = reign;
  return html`
    <li class=${to === null ? "now" : ""}>
      <a href=${href("model", { id: version })}>Model ${version}</a>
      <span>${spanOf(reign)} <span class="note">(${duration(Math.round(lengthS(reign, now)))})</span></span>
      <span class="why">
        <a href=${href("job", { id: job.id })}>${commandOf({ ...job, requested: null })}</a>: ${reasonOf(job)}
      </span>
    </li>
  `;
}

const lengthS = ({ from, to }, now) => Math.max(1, ((to === null ? now : Date.parse(to)) - Date.parse(from)) / 1000);

function spanOf({ from, to }) {
  if (to === null) return `since ${dateTime(from)}`;
  const sameDay = new Date(from).toDateString() === new Date(to).toDateString();
  return `${dateTime(from)} – ${(sameDay ? time : dateTime)(to)}`;
}
