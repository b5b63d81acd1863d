/** Features named `pixel_R_C`, drawn as a picture. */
import { html, useLayoutEffect, useRef } from "../view.js";

const NAMED = /^pixel_(\d{1,3})_(\d{1,3})$/;
const MOST = 256;

/**
 * The features as a picture; null if any of them is no pixel, or no number. Pure.
 *
 * @param {import("../types").NamedValue[]} features
 * @returns {{rows: number, columns: number, values: Float64Array} | null} row by row
 */
export function pictureOf(features) {
  const pixels = features.map(({ feature, value }) => ({ at: NAMED.exec(feature)?.slice(1).map(Number) ?? [], value }));
  const placed = pixels.filter((pixel) => pixel.at.length && typeof pixel.value === "number");
  if (placed.length < 4 || placed.length !== features.length) return null;
  const rows = Math.max(...placed.map((pixel) => pixel.at[0])) + 1;
  const columns = Math.max(...placed.map((pixel) => pixel.at[1])) + 1;
  if (rows > MOST || columns > MOST) return null;
  const values = new Float64Array(rows * columns);
  for (const { at, value } of placed) values[at[0] * columns + at[1]] = Number(value);
  return { rows, columns, values };
}

/**
 * Dark on light in both themes, so that a picture's meaning doesn't change with the theme.
 *
 * @param {{picture: NonNullable<ReturnType<typeof pictureOf>>, label?: string}} props
 */
export function Picture({ picture, label }) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  useLayoutEffect(() => draw(/** @type {HTMLCanvasElement} */ (canvas.current), picture), [picture]);
  const text = label ?? `A picture of ${picture.columns} by ${picture.rows} pixels`;
  return html`<canvas
    class="picture"
    ref=${canvas}
    width=${picture.columns}
    height=${picture.rows}
    role="img"
    aria-label=${text}
  ></canvas>`;
}

/** @param {HTMLCanvasElement} canvas @param {NonNullable<ReturnType<typeof pictureOf>>} picture */
function draw(canvas, { rows, columns, values }) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(columns, rows);
  const low = values.reduce((least, value) => Math.min(least, value), 0);
  const high = values.reduce((most, value) => Math.max(most, value), low + Number.MIN_VALUE);
  values.forEach((value, i) => {
    const shade = 255 * (1 - (value - low) / (high - low));
    image.data.set([shade, shade, shade, 255], 4 * i);
  });
  context.putImageData(image, 0, 0);
}
