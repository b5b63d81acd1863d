/** The button that asks for a training; while one is open, the link to it. */
import { useMay } from "../../access.js";
import { train, useWaiting } from "../../commands.js";
import { useLive } from "../../live.js";
import { href } from "../../router.js";
import { html } from "../../view.js";

/** @param {import("../../live.js").Live} live */
const openOf = (live) => live.retraining.value?.open_job ?? null;
/** Whether nothing was ever loaded: examples come with a job. @param {import("../../live.js").Live} live */
const emptyOf = ({ stats }) => stats.value !== null && stats.value.models + stats.value.jobs === 0;

export function TrainNow() {
  const waiting = useWaiting();
  const may = useMay("admin");
  const open = useLive(openOf);
  const empty = useLive(emptyOf);
  if (open) return html`<a class="button" href=${href("job", { id: open })}>Show the open training</a>`;
  return may && html`
    <button type="button" class="primary" onClick=${train} disabled=${waiting || empty}
      title=${empty && "There is nothing to train on: `relearn model train --data FILE --label COLUMN` loads examples"}>
      Train now
    </button>
  `;
}
