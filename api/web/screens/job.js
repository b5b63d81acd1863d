/** One job: its reason, its figures, the gate's verdict. */
import { Empty } from "../parts/empty.js";
import { Screen } from "../parts/screen.js";
import { html } from "../view.js";

export function Job({ id }) {
  return html`<${Screen} title=${`Job ${id}`}><${Empty} title="Nothing is drawn here yet" /><//>`;
}
