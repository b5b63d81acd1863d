/** A time as "3 min. ago", with the exact time on hover. It updates by itself. */
import { UNKNOWN, ago, dateTime } from "../format.js";
import { useNow } from "../now.js";
import { html } from "../view.js";

/** @param {{at: string | null}} props ISO 8601 */
export function Time({ at }) {
  const now = useNow(5_000);
  if (!at) return UNKNOWN;
  return html`<time datetime=${at} title=${dateTime(at)}>${ago(at, now)}</time>`;
}
