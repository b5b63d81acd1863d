/** What to do next while there is no model or no record. */
import { Empty } from "../../parts/empty.js";
import { FirstModel } from "../../parts/first_model.js";
import { href } from "../../router.js";
import { html } from "../../view.js";

/** @param {{stats: import("../../types").Stats}} props nothing is drawn once there are both */
export function FirstSteps({ stats: { champion, totals } }) {
  if (champion && totals.records > 0) return null;
  return html`<section class="card" aria-label="First steps">${champion ? html`<${Records} />` : html`<${Model} />`}</section>`;
}

function Model() {
  return html`
    <${Empty} title="No model yet">
      <p>Records wait until there is one. Train it from labelled data, in a shell:</p>
      <${FirstModel} />
    <//>
  `;
}

function Records() {
  return html`
    <${Empty} title="No record yet">
      <p>The model is ready. Send it some records, and they are counted here as they come back scored.</p>
      <a class="button primary" href=${href("try")}>Try it</a>
    <//>
  `;
}
