/** Something that is being read: grey lines at first, the problem where there is one, then what was read. */
import { html } from "../view.js";
import { Problem } from "./problem.js";
import { Skeleton } from "./skeleton.js";

/**
 * What was read before stays while a later attempt fails; the problem stands above it.
 *
 * @param {{of: import("../resource.js").Reading & {refresh?: () => void}, lines?: number, children: (value: any) => any}} props
 */
export function Read({ of: { value, error, settled, refresh }, lines, children }) {
  return html`
    <${Problem} error=${error?.away ? null : error} again=${refresh} />
    ${value !== null ? children(value) : (!settled || error?.away) && html`<${Skeleton} lines=${lines} />`}
  `;
}
