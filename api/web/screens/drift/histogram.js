/** The histogram of one feature: the last window over the champion's first records, with all figures in a table. */
import { UNKNOWN, percent } from "../../format.js";
import { html } from "../../view.js";
import { binNames, sharesOf } from "./bins.js";

const RANGES = `A category's levels are put in an order that means nothing, and cut into ranges. A level with a fifth of all
  records, or more, has a range of its own.`;

const UNKNOWN_WORDS = "Its words that the model doesn't know";

/** @param {{spread: import("../../types").Spread, feature?: import("../../types").SchemaFeature}} props `feature`: if known */
export function Histogram({ spread, feature }) {
  const reference = sharesOf(spread.reference) ?? [];
  const live = sharesOf(spread.live);
  const largest = Math.max(...reference, ...(live ?? []), Number.MIN_VALUE);
  /** @param {number} share */
  const width = (share) => ({ width: `${(100 * share) / largest}%` });
  const { levels } = spread;
  const category = feature?.kind === "category" || levels;
  const text = feature?.kind === "text";
  const ranges = category && !levels ? RANGES : null;
  const bins = binNames(spread.edges, feature, levels).map((name, i) => ({ name, i }));
  // Most records of a category may be in few ranges, and no text has less than no unknown word: empty bins are left out.
  const shown = category || text ? bins.filter(({ i }) => reference[i] || live?.[i]) : bins;
  return html`
    <table class=${category ? "histogram levels" : "histogram"}>
      <caption class="unseen">Shares of records by the value of ${spread.name}</caption>
      <thead>
        <tr>
          <th scope="col" colspan="2" title=${ranges}>${text ? UNKNOWN_WORDS : category ? "Levels" : "Value"}</th>
          <th scope="col" class="numeric"><span class="bin-key first"></span>First</th>
          <th scope="col" class="numeric"><span class="bin-key live"></span>Now</th>
        </tr>
      </thead>
      <tbody>
        ${shown.map(
          ({ name, i }) => html`
            <tr key=${i}>
              <th scope="row" title=${levels?.[i] ?? ranges}>${name}</th>
              <td class="bars" aria-hidden="true">
                <span class="first" style=${width(reference[i])}></span>
                ${live && html`<span class="live" style=${width(live[i])}></span>`}
              </td>
              <td class="numeric">${percent(reference[i])}</td>
              <td class="numeric">${live ? percent(live[i]) : UNKNOWN}</td>
            </tr>
          `,
        )}
      </tbody>
    </table>
  `;
}
