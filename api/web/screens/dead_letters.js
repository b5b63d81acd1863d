/** Dead letters: records that could not be used, each with its reason and its message. They can be sent again. */
import { useMay } from "../access.js";
import { usePages } from "../resource.js";
import { useLive } from "../live.js";
import { Card } from "../parts/card.js";
import { Screen } from "../parts/screen.js";
import { href } from "../router.js";
import { html, useEffect } from "../view.js";
import { Filter } from "./dead_letters/filter.js";
import { Letter } from "./dead_letters/letter.js";
import { Letters } from "./dead_letters/letters.js";
import { useRedriveAll } from "./dead_letters/redrive_all.js";
import { RedriveResult } from "./dead_letters/redrive_result.js";

/** @param {import("../live.js").Live} live */
const everOf = (live) => live.counts.dead_letters;
/** @type {Record<string, boolean | null>} */
const OPEN = { true: true, false: false, any: null };

/**
 * The address has the filters: `open` (by default open ones, `any` for all), `reason`, and the `letter` that is shown.
 *
 * @param {{query: Record<string, string>}} props
 */
export function DeadLetters({ query }) {
  const reason = query.reason || null;
  const open = OPEN[query.open] === undefined ? true : OPEN[query.open];
  const pages = usePages("/v1/dead-letters", { query: { reason, open }, idOf: (letter) => letter.id });
  const ever = useLive(everOf);
  useEffect(pages.refresh, [ever]);
  /** @param {Record<string, string | number | null>} change */
  const at = (change) => href("dead_letters", { query: { ...query, ...change } });
  const all = useRedriveAll(reason, pages.refresh);
  const some = pages.items.some((letter) => !letter.redriven_at);
  const may = useMay("admin");
  const send = may && html`
    <button type="button" onClick=${all.start} disabled=${!some || all.run?.state === "running"}>
      ${reason ? `Send all of reason “${reason}” again…` : "Send all again…"}
    </button>
  `;
  return html`
    <${Screen} title="Dead letters" lead="Records that could not be used, and why. Mend the cause, then send them again.">
      <div class=${query.letter ? "letters one-is-open" : "letters"}>
        <div class="stack letters-list">
          ${all.run && html`<${RedriveResult} ...${all} at=${at} />`}
          <${Card} title="Letters" actions=${send}>
            <${Filter} open=${open} reason=${reason} letters=${pages.items} at=${at} />
            <${Letters} pages=${pages} open=${open} reason=${reason} shown=${query.letter} at=${at} />
          <//>
        </div>
        ${query.letter && html`<${Letter} key=${query.letter} id=${query.letter} at=${at} onSent=${pages.refresh} />`}
      </div>
    <//>
  `;
}
