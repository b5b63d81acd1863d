/** One batch and its records. */
import { Empty } from "../parts/empty.js";
import { Screen } from "../parts/screen.js";
import { html } from "../view.js";

export function Batch({ id }) {
  return html`<${Screen} title=${`Batch ${id}`}><${Empty} title="Nothing is drawn here yet" /><//>`;
}
