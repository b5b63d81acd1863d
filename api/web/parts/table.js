/** A table; on a phone each row is a block with the columns' titles before the values. */
import { html } from "../view.js";

/**
 * @template R
 * @typedef {object} Column
 * @property {string} title
 * @property {(row: R) => any} cell text, or a view
 * @property {boolean} [numeric] aligned at the right, digits of one width
 * @property {boolean} [short] stays on one line
 * @property {boolean} [wide] takes what room there is
 */

const LOOKS = /** @type {const} */ (["numeric", "short", "wide"]);

/**
 * @param {{caption: string, columns: Column<any>[], rows: any[], keyOf: (row: any) => string | number,
 *   classOf?: (row: any) => string, narrow?: boolean}} props `caption`: for screen readers; `narrow`: rows stay rows on a
 *   phone, since the columns are few and short
 */
export function Table({ caption, columns, rows, keyOf, classOf, narrow = false }) {
  // Explicit roles: CSS that turns rows into blocks removes the implicit ones.
  return html`<div class="table-place">
    <table class=${narrow ? "table narrow" : "table"} role="table">
      <caption class="unseen">${caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          ${columns.map((column) => html`<th role="columnheader" scope="col" class=${look(column)}>${column.title}</th>`)}
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${rows.map(
          (row) => html`
            <tr role="row" key=${keyOf(row)} class=${classOf?.(row)}>
              ${columns.map(
                (column) => html`<td role="cell" class=${look(column)} data-title=${column.title}>${column.cell(row)}</td>`,
              )}
            </tr>
          `,
        )}
      </tbody>
    </table>
  </div>`;
}

/** @param {Column<any>} column */
const look = (column) => LOOKS.filter((name) => column[name]).join(" ") || null;
