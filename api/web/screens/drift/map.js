/** The PSI of each pixel, in its place in the picture. */
import { number } from "../../format.js";
import { pictureOf } from "../../parts/picture.js";
import { html } from "../../view.js";

/** @typedef {import("../../types").Spread} Spread */

/**
 * Nothing is drawn unless the features are the pixels of a picture.
 *
 * @param {{features: Spread[], limit: number}} props
 */
export function PixelMap({ features, limit }) {
  const picture = pictureOf(features.map((one) => ({ feature: one.name, value: one.psi ?? 0 })));
  if (!picture) return null;
  const named = new Map(features.map((one) => [one.name, one]));
  const cells = Array.from(picture.values, (_, i) => {
    const [row, column] = [Math.floor(i / picture.columns), i % picture.columns];
    return { row, column, spread: named.get(`pixel_${row}_${column}`) };
  });
  const drifted = features.filter((one) => one.drifted).length;
  return html`
    <figure class="pixel-map">
      <svg viewBox=${`0 0 ${picture.columns} ${picture.rows}`} role="img"
        aria-label=${`The picture's ${features.length} pixels by their PSI; ${drifted} have drifted. The list has the same figures.`}>
        ${cells.map((cell) => cell.spread && html`<${Cell} ...${cell} limit=${limit} />`)}
      </svg>
      <figcaption class="note">
        Each pixel in its place: the stronger its colour, the further its PSI is on the way to ${number(limit)}. Framed: it has
        drifted.
      </figcaption>
    </figure>
  `;
}

/** @param {{row: number, column: number, spread: Spread, limit: number}} props */
function Cell({ row, column, spread, limit }) {
  const share = Math.max(0, Math.min(1, (spread.psi ?? 0) / limit));
  return html`<rect class=${spread.drifted ? "drifted" : null} x=${column + 0.06} y=${row + 0.06} width="0.88" height="0.88"
    rx="0.1" fill-opacity=${0.08 + 0.92 * share}><title>${spread.name}: ${number(spread.psi)}</title></rect>`;
}
