/** One prediction: why it was made, and what was said of it. */
import { Empty } from "../parts/empty.js";
import { Screen } from "../parts/screen.js";
import { html } from "../view.js";

export function Prediction({ id }) {
  return html`<${Screen} title=${`Prediction ${id}`}><${Empty} title="Nothing is drawn here yet" /><//>`;
}
