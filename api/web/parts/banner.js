/** Says that the API, or its live events, are away, since when nothing shown is current; goes by itself. */
import { forgetKey } from "../api_key.js";
import { connectNow, useLive } from "../live.js";
import { useNow } from "../now.js";
import { html } from "../view.js";
import { Icon } from "./icon.js";

const linkOf = (live) => live.link;

export function Banner() {
  const link = useLive(linkOf);
  const shown = link.state === "locked" || (link.state !== "live" && link.failures > 0);
  return html`<div role="status" aria-live="polite">${shown && html`<${Shown} link=${link} />`}</div>`;
}

function Shown({ link }) {
  const now = useNow();
  const locked = link.state === "locked";
  const act = () => {
    if (locked) forgetKey();
    connectNow();
  };
  // The countdown isn't read out: it would never stop.
  return html`
    <div class="banner">
      <${Icon} name=${locked ? "key" : "bad"} />
      <p>
        <strong>${wordsOf(link)}</strong> ${locked ? "" : "What is shown may be old. "}
        <span aria-hidden="true">${countdown(link, now)}</span>
      </p>
      <button type="button" onClick=${act} disabled=${link.state === "connecting"}>
        ${locked ? "Enter a key" : "Try now"}
      </button>
    </div>
  `;
}

function wordsOf({ state, error }) {
  if (state === "locked") return "A key is needed to see anything here.";
  if (!error || error.away) return "The API is away.";
  return `The live events are away: ${error.detail}`;
}

function countdown({ state, retryAtMs }, nowMs) {
  if (state === "connecting") return "Trying…";
  return retryAtMs === null ? "" : `Trying again in ${Math.max(1, Math.ceil((retryAtMs - nowMs) / 1000))} s.`;
}
