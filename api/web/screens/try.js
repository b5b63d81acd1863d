/** Try it: send records, see them come back scored. */
import { Empty } from "../parts/empty.js";
import { Screen } from "../parts/screen.js";
import { html } from "../view.js";

export function Try() {
  return html`<${Screen} title="Try it"><${Empty} title="Nothing is drawn here yet" /><//>`;
}
