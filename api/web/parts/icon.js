/** Icons beside text; screen readers skip them. */
import { html } from "../view.js";

/** Strokes in a box of 16 × 16. */
const STROKES = {
  home: "M2.5 7.5 8 3l5.5 4.5M4 6.8V13h3V9.5h2V13h3V6.8",
  review: "M3 8.5 6.5 12 13 4.5",
  batches: "M8 2.5 14 5.5 8 8.5 2 5.5ZM2 8.3l6 3 6-3M2 11l6 3 6-3",
  models: "M2 13h12M4 10.5V13M8 6v7M12 3v10",
  jobs: "M8 2.5a5.5 5.5 0 1 0 5.5 5.5M8 5v3l2 1.5M10.5 3l3 0 0-3",
  drift: "M2 12c3 0 3-7 6-7s3 7 6 7M2 9c2 0 2.5-4 4.5-4",
  dead_letters: "M2 4h12v8.5H2ZM2 4.5l6 4.5 6-4.5",
  try: "M4 3l9 5-9 5Z",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  light: "M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6M8 1.5v1.2M8 13.3v1.2M1.5 8h1.2M13.3 8h1.2M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9",
  dark: "M13 9.7A5.6 5.6 0 1 1 6.3 3 4.6 4.6 0 0 0 13 9.7Z",
  system: "M2 3h12v8H2ZM6 13.5h4M8 11v2.5",
  key: "M10.5 2.5a3 3 0 1 0 0 6 3 3 0 0 0 0-6M8.3 7.7 3 13M5 11l1.5 1.5",
  close: "M4 4l8 8M12 4l-8 8",
  good: "M3 8.5 6.5 12 13 4.5",
  bad: "M8 2.5 14.5 13h-13ZM8 6.5v3M8 11.3h.01",
  info: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2M8 7.3V11M8 5h.01",
  right: "M6 3.5 10.5 8 6 12.5",
  down: "M3.5 6 8 10.5 12.5 6",
  hold: "M5.5 3.5v9M10.5 3.5v9",
};

/** @param {{name: keyof typeof STROKES}} props */
export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d=${STROKES[name]} /></svg>`;
}
