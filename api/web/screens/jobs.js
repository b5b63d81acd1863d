/** Jobs: what was asked of the retrain role, and what came of it. */
import { Empty } from "../parts/empty.js";
import { Screen } from "../parts/screen.js";
import { html } from "../view.js";

export function Jobs() {
  return html`<${Screen} title="Jobs"><${Empty} title="Nothing is drawn here yet" /><//>`;
}
