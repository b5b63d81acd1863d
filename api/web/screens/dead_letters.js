/** Dead letters: what couldn't be read, and why. */
import { Empty } from "../parts/empty.js";
import { Screen } from "../parts/screen.js";
import { html } from "../view.js";

export function DeadLetters() {
  return html`<${Screen} title="Dead letters"><${Empty} title="Nothing is drawn here yet" /><//>`;
}
