/** Models: which answered when, and how good each is. */
import { Empty } from "../parts/empty.js";
import { Screen } from "../parts/screen.js";
import { html } from "../view.js";

export function Models() {
  return html`<${Screen} title="Models"><${Empty} title="Nothing is drawn here yet" /><//>`;
}
