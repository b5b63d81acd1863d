/** A resource: grey lines until it is read, its error if there is one, then its value. */
import { html } from "../view.js";
import { Problem } from "./problem.js";
import { Skeleton } from "./skeleton.js";

/**
 * The last value stays while a later attempt fails, below the error.
 *
 * @param {{of: import("../resource.js").Reading<any> & {refresh?: () => void}, lines?: number,
 *   children: (value: any) => any}} props
 */
function Loaded({ of: { value, error, settled, refresh }, lines, children }) {
  return html`
    <${Problem} error=${error?.away ? null : error} again=${refresh} />
    ${value !== null ? children(value) : (!settled || error?.away) && html`<${Skeleton} lines=${lines} />`}
  `;
}

/**
 * The view of a resource: `draw` draws its value.
 *
 * @template T
 * @param {import("../resource.js").Reading<T> & {refresh?: () => void}} of
 * @param {(value: T) => any} draw
 * @param {number} [lines] of the placeholder
 */
export const loaded = (of, draw, lines) => html`<${Loaded} of=${of} lines=${lines}>${draw}<//>`;
