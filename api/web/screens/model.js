/** One model and everything that stands behind it. */
import { Empty } from "../parts/empty.js";
import { Screen } from "../parts/screen.js";
import { html } from "../view.js";

export function Model({ id }) {
  return html`<${Screen} title=${`Model ${id}`}><${Empty} title="Nothing is drawn here yet" /><//>`;
}
