/** A record's features by name, with a search. */
import { onValue } from "../forms.js";
import { html, useState } from "../view.js";
import { FeatureValue } from "./feature_value.js";

/** How many are shown at first. */
const SHOWN = 32;

/** @param {{features: import("../types").NamedValue[]}} props in the order of the model */
export function Features({ features }) {
  const [wanted, setWanted] = useState("");
  const [all, setAll] = useState(false);
  const many = features.length > SHOWN;
  const words = wanted.trim().toLowerCase();
  const found = features.filter(({ feature }) => feature.toLowerCase().includes(words));
  const shown = all || words ? found : found.slice(0, SHOWN);
  return html`
    <div class="features">
      ${many &&
      html`<input type="search" placeholder=${`Search ${features.length} features`} aria-label="Search features"
        value=${wanted} onInput=${onValue(setWanted)} />`}
      <table>
        <caption class="unseen">Features</caption>
        <thead class="unseen"><tr><th scope="col">Feature</th><th scope="col">Value</th></tr></thead>
        <tbody>
          ${shown.map(
            ({ feature, value }) => html`
              <tr key=${feature}><th scope="row">${feature}</th><td><${FeatureValue} of=${value} /></td></tr>
            `,
          )}
        </tbody>
      </table>
      ${shown.length === 0 && html`<p class="note">No feature is called so.</p>`}
      ${many &&
      !words &&
      html`<button type="button" class="quiet" onClick=${() => setAll(!all)}>
        ${all ? "Show fewer" : `Show all ${features.length}`}
      </button>`}
    </div>
  `;
}
