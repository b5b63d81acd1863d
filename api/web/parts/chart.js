/** A chart over time. */
import { useCell } from "../cell.js";
import { UNKNOWN, number, time } from "../format.js";
import { painted } from "../theme.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "../view.js";

/** Loaded by a script in index.html: half the size of the library's module, which isn't minified. */
const uPlot = /** @type {typeof import("uplot")} */ (/** @type {any} */ (globalThis).uPlot);

/**
 * @typedef {object} Series
 * @property {string} label
 * @property {string} color a token: "--accent"
 * @property {boolean} [filled] the area below it too
 * @property {boolean} [stepped] holds until the next value
 * @property {boolean} [dashed]
 *
 * @typedef {{at: number, label: string}} Mark
 * @typedef {import("uplot")} Plot
 */

/**
 * @param {object} props
 * @param {string} props.title for screen readers, with `summary`
 * @param {string} props.summary what the chart shows, in a sentence
 * @param {Series[]} props.series
 * @param {[number[], ...(number | null)[][]]} props.data the times (s since 1970), then the values of each series; null: not known
 * @param {Mark[]} [props.marks] moments, for example swaps
 * @param {(value: number) => string} [props.write] formats a value
 * @param {[number, number]} [props.range] of the values; by default as the data is
 * @param {[number, number]} [props.band] the area between these two series is filled: the upper, the lower
 * @param {number} [props.height]
 */
export function Chart({ title, summary, series, data, marks = [], write = number, range, band, height = 200 }) {
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  const chart = useRef(/** @type {Plot | null} */ (null));
  const latest = useRef(marks);
  latest.current = marks;
  const [at, setAt] = useState(/** @type {number | null} */ (null));
  const colors = useCell(painted);
  const look = JSON.stringify([series, range, band, height]);

  useLayoutEffect(() => {
    const element = /** @type {HTMLElement} */ (place.current);
    const options = optionsFor(element, { series, write, range, band, height, marks: () => latest.current, onPoint: setAt });
    const plot = new uPlot(options, data, element);
    chart.current = plot;
    const watch = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }));
    watch.observe(element);
    return () => {
      watch.disconnect();
      plot.destroy();
    };
  }, [look, colors]);
  useEffect(() => chart.current?.setData(data), [data, marks]);

  const last = data[0].length - 1;
  const shown = at ?? last;
  /** @param {number | null} value */
  const writeKnown = (value) => (value == null ? UNKNOWN : write(value));
  return html`
    <figure class="chart">
      <figcaption>
        ${series.map(
          ({ label, color }, i) => html`<span class="legend" key=${label}>
            <span class=${`swatch ${color.slice(2)}`}></span>${label}
            <strong>${writeKnown(data[i + 1][shown])}</strong>
          </span>`,
        )}
        ${at !== null && html`<span class="note">${time(data[0][at] * 1000)}</span>`}
      </figcaption>
      <div class="chart-place" ref=${place} role="img" aria-label=${`${title}. ${summary}`}></div>
    </figure>
  `;
}

/**
 * @param {HTMLElement} element
 * @param {object} of
 * @param {Series[]} of.series
 * @param {(value: number) => string} of.write
 * @param {[number, number]} [of.range]
 * @param {[number, number]} [of.band]
 * @param {number} of.height
 * @param {() => Mark[]} of.marks
 * @param {(index: number | null) => void} of.onPoint
 * @returns {import("uplot").Options}
 */
function optionsFor(element, { series, write, range, band, height, marks, onPoint }) {
  /** @param {string} token */
  const paint = (token) => colorOf(element, token);
  const axis = { stroke: paint("--muted"), grid: { stroke: paint("--line"), width: 1 }, ticks: { show: false } };
  const font = `12px ${getComputedStyle(element).fontFamily}`;
  return {
    width: element.clientWidth,
    height,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    scales: { y: { range: (_, low, high) => range ?? uPlot.rangeNum(Math.min(0, low ?? 0), high || 1, 0.1, true) } },
    axes: [
      { ...axis, font, grid: { show: false }, values: (_, splits) => splits.map((at) => time(at * 1000)), space: 90, size: 28 },
      { ...axis, font, values: (_, splits) => splits.map(write), size: 56 },
    ],
    series: [{}, ...series.map((one) => seriesFor(one, paint))],
    bands: band && [{ series: [band[0] + 1, band[1] + 1], fill: paint(`${series[band[0]].color}-soft`) }],
    hooks: {
      draw: [(plot) => drawMarks(plot, marks(), paint("--muted"), font)],
      setCursor: [(plot) => onPoint((plot.cursor.left ?? -1) >= 0 ? (plot.cursor.idx ?? null) : null)],
    },
  };
}

/** @param {Series} series @param {(token: string) => string} paint @returns {import("uplot").Series} */
function seriesFor({ label, color, filled, stepped, dashed }, paint) {
  return {
    label,
    stroke: paint(color),
    width: 1.75,
    points: { show: false },
    ...(filled ? { fill: paint(`${color}-soft`) } : {}),
    ...(stepped ? { paths: uPlot.paths.stepped?.({ align: 1 }) } : {}),
    ...(dashed ? { dash: [5, 4] } : {}),
  };
}

/** @param {Plot} plot @param {Mark[]} marks @param {string} color @param {string} font */
function drawMarks(plot, marks, color, font) {
  const { ctx: context, bbox: box } = plot;
  const ratio = devicePixelRatio;
  context.save();
  context.strokeStyle = context.fillStyle = color;
  context.lineWidth = ratio;
  context.textAlign = "left";
  context.setLineDash([3 * ratio, 3 * ratio]);
  context.font = font.replace("12px", `${11 * ratio}px`);
  for (const { at, label } of marks) {
    const x = Math.round(plot.valToPos(at, "x", true));
    if (x < box.left || x > box.left + box.width) continue;
    context.beginPath();
    context.moveTo(x, box.top);
    context.lineTo(x, box.top + box.height);
    context.stroke();
    context.fillText(label, x + 4 * ratio, box.top + 10 * ratio);
  }
  context.restore();
}

/**
 * A token's colour in the form that a canvas takes, with `light-dark()` resolved.
 *
 * @param {HTMLElement} element
 * @param {string} token
 */
function colorOf(element, token) {
  const probe = element.appendChild(document.createElement("span"));
  probe.style.color = `var(${token})`;
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
}
