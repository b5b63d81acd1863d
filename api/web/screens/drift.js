/** Drift: how far each feature has moved from what the champion was trained on. */
import { Empty } from "../parts/empty.js";
import { Screen } from "../parts/screen.js";
import { html } from "../view.js";

export function Drift() {
  return html`<${Screen} title="Drift"><${Empty} title="Nothing is drawn here yet" /><//>`;
}
