/** One value of a record: a number, a category's level, a text, or a quiet word where it is missing. */
import { excerpt, featureValue } from "../format.js";
import { html } from "../view.js";

/** @param {{of: import("../types").FeatureValue, short?: boolean}} props `short`: a long text is cut, its whole is the title */
export function FeatureValue({ of, short }) {
  const whole = featureValue(of);
  if (of === null) return html`<em class="note">${whole}</em>`;
  const cut = short ? excerpt(whole) : whole;
  return cut === whole ? html`${whole}` : html`<span title=${whole}>${cut}</span>`;
}
