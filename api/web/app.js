/** The page: navigation, banner, the screen that the address names, toasts and dialogs. */
import "./feedback/outcomes.js"; // subscribes to correction events
import { start } from "./live.js";
import { Banner } from "./parts/banner.js";
import { Confirmation } from "./parts/dialog.js";
import { Empty } from "./parts/empty.js";
import { KeyPrompt } from "./parts/key_prompt.js";
import { Navigation } from "./parts/navigation.js";
import { Screen } from "./parts/screen.js";
import { Toasts } from "./parts/toasts.js";
import { Unsent } from "./parts/unsent.js";
import { href, useRoute } from "./router.js";
import { SCREENS } from "./screens.js";
import { announceSwaps } from "./swaps.js";
import { html, render, useEffect, useErrorBoundary, useRef } from "./view.js";

function Page() {
  const route = useRoute();
  useFocusOnHeading(route.screen, route.id);
  return html`
    <a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
    <${Navigation} route=${route} />
    <main id="main" tabindex="-1">
      <${Banner} />
      <${Unsent} />
      <${Shown} key=${`${route.screen} ${route.id}`} route=${route} />
    </main>
    <${Toasts} />
    <${Confirmation} />
    <${KeyPrompt} />
  `;
}

/**
 * One screen. An exception in it leaves the rest of the page usable.
 *
 * @param {{route: import("./router.js").Route}} props
 */
function Shown({ route }) {
  const [error, again] = useErrorBoundary((fault) => console.error(fault));
  if (error) {
    return html`<${Screen} title="This screen broke">
      <${Empty} title="A fault of the page">
        <p>The browser's console has the details. The stream and the model are not affected.</p>
        <button type="button" onClick=${again}>Draw it again</button>
      <//>
    <//>`;
  }
  const Chosen = SCREENS[route.screen ?? ""];
  return Chosen ? html`<${Chosen} id=${route.id} query=${route.query} />` : html`<${Nowhere} />`;
}

function Nowhere() {
  return html`<${Screen} title="There is nothing here">
    <${Empty} title="No screen has this address">
      <p>It may have been mistyped. <a href=${href("home")}>Go to the start</a>.</p>
    <//>
  <//>`;
}

/**
 * Focuses the heading after a change of screen, as after loading a page, or the field that is to be filled in; not at the
 * first screen.
 *
 * @param {unknown[]} of
 */
function useFocusOnHeading(...of) {
  const first = useRef(true);
  useEffect(() => {
    if (!first.current) {
      /** @type {HTMLElement | null} */ (document.querySelector("main [autofocus]") ?? document.querySelector("h1"))?.focus();
      scrollTo(0, 0);
    }
    first.current = false;
  }, of);
}

/** Skips to the content: the address after `#` names a screen, so the browser can't. @param {Event} event */
function skip(event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

announceSwaps();
render(html`<${Page} />`, /** @type {HTMLElement} */ (document.getElementById("page")));
start();
