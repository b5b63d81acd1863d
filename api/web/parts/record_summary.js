/** A record in one line: its picture, or its first values. */
import { named } from "../model_facts.js";
import { count, number } from "../format.js";
import { html, useMemo } from "../view.js";
import { Picture, pictureOf } from "./picture.js";

const SHOWN = 4;

/** @param {{features: number[] | Record<string, number>, names?: string[] | null}} props `names`: of a list's values */
export function RecordSummary({ features, names = null }) {
  const values = useMemo(() => named(features, names), [features, names]);
  const picture = useMemo(() => pictureOf(values), [values]);
  if (picture) return html`<span class="in-short"><${Picture} picture=${picture} /></span>`;
  const first = values.slice(0, SHOWN).map(({ feature, value }) => `${feature} ${number(value)}`.trim());
  const rest = values.length - first.length;
  return html`<span>${first.join(" · ")}${rest > 0 && html` <span class="note">and ${count(rest)} more</span>`}</span>`;
}
