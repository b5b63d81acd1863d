/** A table; on a phone each row stands as a block with its columns' titles before the values. */
import { html } from "../view.js";

/**
 * @typedef {object} Column
 * @property {string} title
 * @property {(row: any) => any} cell text, or a view
 * @property {boolean} [numeric] aligned at the right, digits of one width
 * @property {boolean} [short] stays on one line
 * @property {boolean} [wide] takes what room there is
 */

const LOOKS = ["numeric", "short", "wide"];

/**
 * @param {{caption: string, columns: Column[], rows: any[], keyOf: (row: any) => string | number,
 *   classOf?: (row: any) => string, narrow?: boolean}} props `caption` is for screen readers; `narrow`: it is so few
 *   columns of so few words that rows stay rows on a phone
 */
export function Table({ caption, columns, rows, keyOf, classOf, narrow = false }) {
  // The roles are said as well: CSS that turns rows into blocks takes them away.
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

const look = (column) => LOOKS.filter((look) => column[look]).join(" ") || null;
