/** Filters of the dead letters: open or sent again, and by reason. */
import { onValue } from "../../forms.js";
import { go } from "../../router.js";
import { html, useRef } from "../../view.js";

/** @type {[boolean | null, string, string][]} */
const STATES = [
  [true, "true", "Open"],
  [false, "false", "Sent again"],
  [null, "any", "All"],
];

/**
 * @param {{open: boolean | null, reason: string | null, letters: {reason: string}[],
 *   at: (change: Record<string, string | null>) => string}} props `letters`: their reasons can be chosen
 */
export function Filter({ open, reason, letters, at }) {
  const seen = useRef(/** @type {Set<string>} */ (new Set()));
  for (const letter of letters) seen.current.add(letter.reason);
  if (reason) seen.current.add(reason);
  /** @param {Record<string, string | null>} change */
  const choose = (change) => go(at({ ...change, letter: null }), { replace: true });
  return html`
    <div class="letters-filter">
      <fieldset class="segments">
        <legend class="unseen">Which letters</legend>
        ${STATES.map(
          ([value, name, words]) => html`
            <label key=${name}>
              <input class="unseen" type="radio" name="letters-open" checked=${open === value}
                onChange=${() => choose({ open: name })} />
              ${words}
            </label>
          `,
        )}
      </fieldset>
      <label class="letters-reason">
        <span>Reason</span>
        <select onChange=${onValue((chosen) => choose({ reason: chosen || null }))}>
          <option value="" selected=${!reason}>any</option>
          ${[...seen.current].sort().map((one) => html`<option key=${one} value=${one} selected=${one === reason}>${one}</option>`)}
        </select>
      </label>
    </div>
  `;
}
