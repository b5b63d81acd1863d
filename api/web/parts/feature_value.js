/** One value of a record: a number, a category's level, or a quiet word where it is missing. */
import { featureValue } from "../format.js";
import { html } from "../view.js";

/** @param {{of: import("../types").FeatureValue}} props */
export function FeatureValue({ of }) {
  return of === null ? html`<em class="note">${featureValue(of)}</em>` : html`${featureValue(of)}`;
}
