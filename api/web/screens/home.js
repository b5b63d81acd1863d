/** How the stream, the model and the reviewers are doing. */
import { Empty } from "../parts/empty.js";
import { Screen } from "../parts/screen.js";
import { html } from "../view.js";

export function Home() {
  return html`<${Screen} title="Home"><${Empty} title="Nothing is drawn here yet" /><//>`;
}
