/** Shown while automatic promotion is on hold: its cause, and the button to resume. */
import { useMay } from "../../access.js";
import { resume, useWaiting } from "../../commands.js";
import { local } from "../../format.js";
import { Icon } from "../../parts/icon.js";
import { html } from "../../view.js";

/** @param {{hold: import("../../types").Retraining["hold"] | undefined}} props null: nothing is drawn */
export function OnHold({ hold }) {
  const waiting = useWaiting();
  const may = useMay("admin");
  if (!hold) return null;
  return html`
    <section class="on-hold" aria-label="On hold">
      <${Icon} name="hold" />
      <p><strong>On hold.</strong> No model is trained or promoted by itself: ${local(hold.words)}.</p>
      ${may && html`<button type="button" class="primary" onClick=${resume} disabled=${waiting}>Resume</button>`}
    </section>
  `;
}
