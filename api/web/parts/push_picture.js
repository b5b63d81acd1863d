/** Where a model looked: each pixel's push, in the colours of the two ways. */
import { html, useMemo } from "../view.js";
import { pictureOf } from "./picture.js";

/** A rectangle for each pixel is too much for larger ones. */
const MOST = 1_024;
/** What pushes less than this share of the strongest isn't seen. */
const LEAST = 0.02;

/** @param {{contributions: {feature: string, contribution: number}[]}} props nothing where they are no picture */
export function PushPicture({ contributions }) {
  const picture = useMemo(
    () => pictureOf(contributions.map(({ feature, contribution }) => ({ feature, value: contribution }))),
    [contributions],
  );
  if (!picture || picture.values.length > MOST) return null;
  const { rows, columns, values } = picture;
  const strongest = values.reduce((most, value) => Math.max(most, Math.abs(value)), Number.MIN_VALUE);
  return html`
    <svg class="push-picture" viewBox=${`0 0 ${columns} ${rows}`} role="img" aria-label="Which pixels pushed which way">
      ${Array.from(values, (value, i) => {
        const share = Math.abs(value) / strongest;
        if (share < LEAST) return null;
        return html`<rect class=${value < 0 ? "minus" : "plus"} x=${i % columns} y=${Math.floor(i / columns)} width="1"
          height="1" fill-opacity=${share.toFixed(2)} />`;
      })}
    </svg>
  `;
}
