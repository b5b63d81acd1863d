/** The form that chooses the number of sample records. */
import { count } from "../../format.js";
import { onValue } from "../../forms.js";
import { html, useState } from "../../view.js";
import { MOST } from "./records.js";

const USUAL = [5, 10, 15];

/** @param {{verb: string, busy: boolean, go: (n: number) => void}} props */
export function SampleForm({ verb, busy, go }) {
  const [wanted, setWanted] = useState("100");
  const n = Number(wanted);
  const fits = /^\d+$/.test(wanted.trim()) && n >= 1 && n <= MOST;
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    if (fits) go(n);
  };
  return html`
    <div class="some">
      ${USUAL.map(
        (usual) => html`<button type="button" key=${usual} disabled=${busy} onClick=${() => go(usual)}>${verb} ${usual}</button>`,
      )}
      <form onSubmit=${submit}>
        <label class="unseen" for="some-wanted">How many, up to ${count(MOST)}</label>
        <input id="some-wanted" inputmode="numeric" autocomplete="off" value=${wanted} aria-invalid=${fits ? null : "true"}
          aria-describedby="some-most" onInput=${onValue(setWanted)} />
        <button type="submit" class="primary" disabled=${busy || !fits}>${fits ? `${verb} ${count(n)}` : verb}</button>
      </form>
      <span class="note" id="some-most">1 to ${count(MOST)}</span>
    </div>
  `;
}
