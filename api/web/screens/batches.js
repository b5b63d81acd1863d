/** Recent batches. */
import { Empty } from "../parts/empty.js";
import { Screen } from "../parts/screen.js";
import { html } from "../view.js";

export function Batches() {
  return html`<${Screen} title="Batches"><${Empty} title="Nothing is drawn here yet" /><//>`;
}
