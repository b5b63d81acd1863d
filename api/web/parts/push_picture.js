/** Each pixel's contribution, in the colours of the two directions. */
import { html, useMemo } from "../view.js";
import { pictureOf } from "./picture.js";

/** Maximum number of pixels: each is a rectangle of its own. */
const MOST = 1_024;
/** Contributions below this share of the strongest are not drawn. */
const LEAST = 0.02;

/**
 * @param {{contributions: import("./signed_bars.js").Contribution[]}} props nothing is drawn unless the record is a picture
 */
export function PushPicture({ contributions }) {
  const picture = useMemo(
    () => pictureOf(contributions) && pictureOf(contributions.map(({ feature, contribution: value }) => ({ feature, value }))),
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
