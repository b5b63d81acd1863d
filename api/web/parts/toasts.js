/** The toasts at the edge of the page. A toast stays while the pointer or the focus is on it. */
import { useCell } from "../cell.js";
import { announced, dismiss, toasts } from "../toasts.js";
import { html, useEffect, useState } from "../view.js";
import { Icon } from "./icon.js";

export function Toasts() {
  const shown = useCell(toasts);
  const words = useCell(announced);
  return html`
    <div class="toasts" role="status" aria-live="polite">
      ${shown.map((toast) => html`<${Toast} key=${toast.id} toast=${toast} />`)}
    </div>
    <div class="unseen" role="status" aria-live="polite" id="announced">${words}</div>
  `;
}

/** @param {{toast: import("../toasts.js").Toast}} props */
function Toast({ toast }) {
  const [held, setHeld] = useState(false);
  const end = () => dismiss(toast.id);
  useEffect(() => {
    if (held) return undefined;
    const timer = setTimeout(end, toast.forMs);
    return () => clearTimeout(timer);
  }, [held, toast]);
  const act = () => {
    end();
    toast.action?.run();
  };
  return html`
    <div class=${`toast ${toast.kind}`} onPointerEnter=${() => setHeld(true)} onPointerLeave=${() => setHeld(false)}
      onfocusin=${() => setHeld(true)} onfocusout=${() => setHeld(false)}>
      <${Icon} name=${toast.kind} />
      <span>${toast.text}</span>
      ${toast.action && html`<button type="button" class="quiet" onClick=${act}>${toast.action.label}</button>`}
      <button type="button" class="quiet icon-only" aria-label="Dismiss" onClick=${end}><${Icon} name="close" /></button>
    </div>
  `;
}
