/** The histogram of one feature: the last window over the champion's first records, with all figures in a table. */
import { UNKNOWN, percent } from "../../format.js";
import { html } from "../../view.js";
import { binNames, sharesOf } from "./bins.js";

/** @param {{spread: import("../../types").Spread}} props */
export function Histogram({ spread }) {
  const reference = sharesOf(spread.reference) ?? [];
  const live = sharesOf(spread.live);
  const largest = Math.max(...reference, ...(live ?? []), Number.MIN_VALUE);
  /** @param {number} share */
  const width = (share) => ({ width: `${(100 * share) / largest}%` });
  return html`
    <table class="histogram">
      <caption class="unseen">Shares of records by the value of ${spread.name}</caption>
      <thead>
        <tr>
          <th scope="col">Value</th>
          <td></td>
          <th scope="col" class="numeric"><span class="bin-key first"></span>First</th>
          <th scope="col" class="numeric"><span class="bin-key live"></span>Now</th>
        </tr>
      </thead>
      <tbody>
        ${binNames(spread.edges).map(
          (name, i) => html`
            <tr key=${i}>
              <th scope="row">${name}</th>
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
