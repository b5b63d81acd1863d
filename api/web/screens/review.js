/** The queue: records to judge, one after the other. */
import { Empty } from "../parts/empty.js";
import { Screen } from "../parts/screen.js";
import { html } from "../view.js";

export function Review() {
  return html`<${Screen} title="Review"><${Empty} title="Nothing is drawn here yet" /><//>`;
}
