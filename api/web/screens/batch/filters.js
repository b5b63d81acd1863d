/** Filters of a batch's records: by label, and unreviewed only. Kept in the address. */
import { count } from "../../format.js";
import { onValue } from "../../forms.js";
import { go, href } from "../../router.js";
import { html } from "../../view.js";

/** @param {{batch: import("../../types").Batch, query: Record<string, string>}} props */
export function Filters({ batch, query }) {
  /** @param {Record<string, string>} part */
  const change = (part) => go(href("batch", { id: batch.batch, query: { ...query, ...part } }), { replace: true });
  const toggle = () => change({ unreviewed: query.unreviewed === "1" ? "" : "1" });
  const labels = Object.entries(batch.labels).sort(([, a], [, b]) => b - a);
  return html`
    <div class="filters">
      <label class="check">
        <input type="checkbox" checked=${query.unreviewed === "1"}
          onChange=${toggle} />
        Unreviewed only
      </label>
      <label class="inline">
        <span>Answered with</span>
        <select value=${query.label ?? ""} onChange=${onValue((label) => change({ label }))}>
          <option value="">any label</option>
          ${labels.map(
            ([label, records]) => html`<option key=${label} value=${label}>${label} (${count(records)})</option>`,
          )}
        </select>
      </label>
    </div>
  `;
}
