/** Shown while the API or its live events are away, so that nothing shown is current. */
import { forgetKey } from "../api_key.js";
import { connectNow, useLive } from "../live.js";
import { useNow } from "../now.js";
import { html } from "../view.js";
import { Icon } from "./icon.js";

/** @param {import("../live.js").Live} live */
const linkOf = (live) => live.link;

export function Banner() {
  const link = useLive(linkOf);
  const shown = link.state === "locked" || (link.state !== "live" && link.failures > 0);
  return html`<div role="status" aria-live="polite">${shown && html`<${Shown} link=${link} />`}</div>`;
}

/** @param {{link: import("../events.js").Link}} props */
function Shown({ link }) {
  const now = useNow();
  const locked = link.state === "locked";
  const act = () => {
    if (locked) forgetKey();
    connectNow();
  };
  // The countdown is hidden from screen readers: they would read it without end.
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

/** @param {import("../events.js").Link} link */
function wordsOf({ state, error }) {
  if (state === "locked") return "A key is needed to see anything here.";
  if (!error || error.away) return "The API is away.";
  return `The live events are away: ${error.detail}`;
}

/** @param {import("../events.js").Link} link @param {number} nowMs */
function countdown({ state, retryAtMs }, nowMs) {
  if (state === "connecting") return "Trying…";
  return retryAtMs === null ? "" : `Trying again in ${Math.max(1, Math.ceil((retryAtMs - nowMs) / 1000))} s.`;
}
