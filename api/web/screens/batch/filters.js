/** Which of a batch's records are listed: by label, and whether they are reviewed. Kept in the address. */
import { count } from "../../format.js";
import { go, href } from "../../router.js";
import { html } from "../../view.js";

/** @param {{batch: any, query: Record<string, string>}} props */
export function Filters({ batch, query }) {
  const change = (part) => go(href("batch", { id: batch.batch, query: { ...query, ...part } }), { replace: true });
  const labels = Object.entries(batch.labels).sort(([, a], [, b]) => b - a);
  return html`
    <div class="filters">
      <label class="check">
        <input type="checkbox" checked=${query.unreviewed === "1"}
          onChange=${(event) => change({ unreviewed: event.target.checked ? "1" : "" })} />
        Unreviewed only
      </label>
      <label class="inline">
        <span>Answered with</span>
        <select value=${query.label ?? ""} onChange=${(event) => change({ label: event.target.value })}>
          <option value="">any label</option>
          ${labels.map(
            ([label, records]) => html`<option key=${label} value=${label}>${label} (${count(records)})</option>`,
          )}
        </select>
      </label>
    </div>
  `;
}
