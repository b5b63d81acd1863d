/** One dead letter: the error, and the message of the record. */
import { useMay } from "../../access.js";
import { ApiError, postJson } from "../../api.js";
import { useResource } from "../../resource.js";
import { dateTime } from "../../format.js";
import { Badge } from "../../parts/badge.js";
import { Card } from "../../parts/card.js";
import { Icon } from "../../parts/icon.js";
import { Problem } from "../../parts/problem.js";
import { loaded } from "../../parts/loaded.js";
import { showToast } from "../../toasts.js";
import { html, useEffect, useRef, useState } from "../../view.js";
import { Original } from "./original.js";

/** @param {{id: string, at: (change: Record<string, any>) => string, onSent: () => void}} props */
export function Letter({ id, at, onSent }) {
  const letter = useResource("/v1/dead-letters/{id}", { params: { id } });
  const card = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    const opener = /** @type {HTMLElement | null} */ (document.activeElement);
    card.current?.focus();
    return () => opener?.focus?.();
  }, []);
  const sent = () => {
    letter.refresh();
    onSent();
  };
  const close = html`<a class="button" href=${at({ letter: null })}><${Icon} name="close" />Close</a>`;
  return html`
    <div class="letter" ref=${card} tabindex="-1">
      <${Card} title=${`Letter ${id}`} actions=${close}>
        ${loaded(letter, (found) => html`<${Shown} letter=${found} onSent=${sent} />`, 8)}
      <//>
    </div>
  `;
}

/** @param {{letter: import("../../types").Letter, onSent: () => void}} props */
function Shown({ letter, onSent }) {
  const may = useMay("admin");
  return html`
    <p class="letter-error"><${Badge} kind=${letter.redriven_at ? "plain" : "bad"}>${letter.reason}<//> ${letter.error}</p>
    <dl class="letter-facts">
      <dt>When</dt><dd>${dateTime(letter.at)}</dd>
      <dt>Refused by</dt><dd>${letter.agent}</dd>
      <dt>Came from</dt><dd><code>${letter.topic}</code>, place <code>${letter.place}</code></dd>
      <dt>State</dt><dd>${letter.redriven_at ? `sent again, ${dateTime(letter.redriven_at)}` : "open"}</dd>
    </dl>
    ${may && !letter.redriven_at && html`<${Redrive} letter=${letter} onSent=${onSent} />`}
    <${Original} original=${letter.original} />
  `;
}

/** @param {{letter: import("../../types").Letter, onSent: () => void}} props */
function Redrive({ letter, onSent }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(/** @type {ApiError | null} */ (null));
  async function send() {
    setBusy(true);
    setError(null);
    try {
      await postJson("/v1/dead-letters/{id}/redrive", { params: { id: letter.id } });
      showToast(`Letter ${letter.id} was sent again`, { kind: "good" });
    } catch (problem) {
      if (!(problem instanceof ApiError)) throw problem;
      setError(problem);
    }
    setBusy(false);
    onSent();
  }
  return html`
    <${Problem} error=${error} />
    <div class="letter-send">
      <button type="button" class="primary" onClick=${send} disabled=${busy}>${busy ? "Sending…" : "Send again"}</button>
      <span class="note">
        The record alone goes to <code>${letter.topic}</code> again. If it still can't be used, it comes back as a new letter.
      </span>
    </div>
  `;
}
