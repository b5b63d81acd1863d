/** The links to all screens: at the left on wide screens, at the bottom on phones, with the less used ones under More. */
import { href } from "../router.js";
import { html, useEffect, useState } from "../view.js";
import { Icon } from "./icon.js";
import { ThemeSwitch } from "./theme_switch.js";

const FIRST = [
  ["home", "Home"],
  ["review", "Review"],
  ["models", "Models"],
  ["try", "Try it"],
];
const REST = [
  ["batches", "Batches"],
  ["jobs", "Jobs"],
  ["drift", "Drift"],
  ["dead_letters", "Dead letters"],
];
/** The list that the screen of a single item belongs to. @type {Record<string, string>} */
const PART_OF = { batch: "batches", prediction: "batches", model: "models", job: "jobs" };

/** @param {{route: import("../router.js").Route}} props */
export function Navigation({ route }) {
  const [open, setOpen] = useState(false);
  useEffect(() => setOpen(false), [route]);
  const here = PART_OF[route.screen ?? ""] ?? route.screen;
  /** @param {string[]} entry */
  const link = ([screen, name]) => html`
    <li key=${screen}>
      <a href=${href(screen)} aria-current=${screen === here ? "page" : null}><${Icon} name=${screen} /><span>${name}</span></a>
    </li>
  `;
  /** @param {KeyboardEvent} event */
  const escape = (event) => event.key === "Escape" && setOpen(false);
  return html`
    <nav class="navigation" aria-label="Screens" onKeyDown=${escape}>
      <a class="brand" href=${href("home")}>Relearn</a>
      <ul>${FIRST.map(link)}</ul>
      <button type="button" class="more-screens" aria-expanded=${open ? "true" : "false"} aria-controls="more-screens"
        onClick=${() => setOpen(!open)}>
        <${Icon} name="more" /><span>More</span>
      </button>
      <div class=${open ? "rest open" : "rest"} id="more-screens">
        <ul>${REST.map(link)}</ul>
        <${ThemeSwitch} />
      </div>
    </nav>
  `;
}
