/** Counts, rates, lag and latency. */
import { brief, count, duration, plural, rate } from "../../format.js";
import { useLive } from "../../live.js";
import { Figure, Figures } from "../../parts/figure.js";
import { href } from "../../router.js";
import { html } from "../../view.js";

/** @typedef {import("../../types").Stats} Stats */

/** @param {{stats: Stats}} props records and dead letters are those of the latest event */
export function Counts({ stats }) {
  const { records, dead_letters: dead } = useLive((live) => live.counts);
  const { totals, scored_per_s: scored, stored_per_s: stored, lag, latency } = stats;
  return html`
    <section class="card" aria-label="Counts">
      <${Figures}>
        <${Figure} label="Records" value=${brief(records)} hint=${`stored; ${rate(stored)}`} />
        <${Figure} label="Scored" value=${rate(scored)} hint="now" />
        <${Figure} label="Lag" value=${brief(sumOf(lag))} hint=${byRole(lag)} />
        <${Figure} label="Latency" value=${duration(latency && latency.p50_ms / 1000)}
          hint=${latency ? `p50; p99 ${duration(latency.p99_ms / 1000)}` : "before the first record"} />
        <${Figure} label="Corrections" value=${brief(totals.corrections)} hint=${`of ${plural(totals.reviews, "statement")}`} />
        <${Figure} label="Confirmations" value=${brief(totals.confirmations)} />
        <${Figure} label="Dead letters" value=${html`<a href=${href("dead_letters")}>${brief(dead)}</a>`}
          kind=${dead ? "warn" : undefined} hint="could not be used" />
      <//>
    </section>
  `;
}

/** The lag of all roles; unknown while the lag of one is. @param {Stats["lag"]} lag */
function sumOf(lag) {
  const each = Object.values(lag ?? {});
  const known = each.filter((one) => one !== null);
  return each.length === 0 || known.length < each.length ? null : known.reduce((sum, one) => sum + one, 0);
}

/** @param {Stats["lag"]} lag */
function byRole(lag) {
  const behind = Object.entries(lag ?? {}).filter(([, one]) => (one ?? 0) > 0);
  return behind.length ? behind.map(([role, one]) => `${role} ${count(one)}`).join(", ") : "nothing waits";
}
