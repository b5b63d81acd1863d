/** A record in one line: its picture, or its first values, long texts before the others. */
import { named } from "../model_facts.js";
import { count, excerpt } from "../format.js";
import { html, useMemo } from "../view.js";
import { FeatureValue } from "./feature_value.js";
import { Picture, pictureOf } from "./picture.js";

const SHOWN = 4;
/** @param {import("../types").NamedValue} one */
const isLong = ({ value }) => typeof value === "string" && excerpt(value) !== value;

/** @param {{features: import("../types").Features, names?: string[] | null}} props `names`: of all features, in their order */
export function RecordSummary({ features, names = null }) {
  const values = useMemo(() => named(features, names), [features, names]);
  const picture = useMemo(() => pictureOf(values), [values]);
  if (picture) return html`<span class="in-short"><${Picture} picture=${picture} /></span>`;
  const first = [...values.filter(isLong), ...values.filter((one) => !isLong(one))].slice(0, SHOWN);
  const rest = values.length - first.length;
  return html`<span class="summary">
    ${first.map(({ feature, value }, i) => html`${i > 0 && " · "}${feature && `${feature} `}<${FeatureValue} of=${value} short />`)}
    ${rest > 0 && html` <span class="note">and ${count(rest)} more</span>`}
  </span>`;
}
