/** Shown while automatic promotion is on hold: its cause, and the button to resume. */
import { resume, useWaiting } from "../../commands.js";
import { Icon } from "../../parts/icon.js";
import { Time } from "../../parts/time.js";
import { html } from "../../view.js";

/** @param {{hold: import("../../types").Retraining["hold"] | undefined}} props null: nothing is drawn */
export function OnHold({ hold }) {
  const waiting = useWaiting();
  if (!hold) return null;
  const { command, by, version, since } = hold;
  const what = {
    hold: "put on hold by command",
    activate: `model ${version} was activated`,
    rollback: `a rollback to model ${version}`,
  };
  return html`
    <section class="on-hold" aria-label="On hold">
      <${Icon} name="hold" />
      <p>
        <strong>On hold.</strong> No model is trained or promoted by itself:
        ${` ${what[command] ?? command}`}${by && ` (${by})`}, <${Time} at=${since} />.
      </p>
      <button type="button" class="primary" onClick=${resume} disabled=${waiting}>Resume</button>
    </section>
  `;
}
