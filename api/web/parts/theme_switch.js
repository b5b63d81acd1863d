/** Chooses the theme: light, dark, or as the system is set. */
import { useCell } from "../cell.js";
import { choose, theme } from "../theme.js";
import { html } from "../view.js";
import { Icon } from "./icon.js";

const THEMES = /** @type {const} */ ([
  ["system", "As the system"],
  ["light", "Light"],
  ["dark", "Dark"],
]);

export function ThemeSwitch() {
  const chosen = useCell(theme);
  return html`
    <fieldset class="segments">
      <legend class="unseen">Theme</legend>
      ${THEMES.map(
        ([name, words]) => html`
          <label key=${name} title=${words}>
            <input class="unseen" type="radio" name="theme" checked=${chosen === name} onChange=${() => choose(name)} />
            <${Icon} name=${name} /><span class="unseen">${words}</span>
          </label>
        `,
      )}
    </fieldset>
  `;
}
