/** The model's answer, its confidence, and why: each feature's contribution, which together are the margin. */
import { percent } from "../format.js";
import { href } from "../router.js";
import { html } from "../view.js";
import { PushPicture } from "./push_picture.js";
import { SignedBars } from "./signed_bars.js";

/**
 * The labels of the margin's two directions. Of two classes, a margin above 0 is for the second; of more, it is the margin
 * of the predicted label. Pure.
 *
 * @param {string} label the predicted one
 * @param {number[]} margins 1 or k
 * @param {string[]} classes those of the model, as far as they are known
 * @returns {{for: string, against: string | null}}
 */
export function sidesOf(label, margins, classes) {
  if (margins.length > 1) return { for: label, against: null };
  const other = (classes.length === 2 && classes.find((one) => one !== label)) || "the other label";
  return margins[0] > 0 ? { for: label, against: other } : { for: other, against: label };
}

const ON_THE_EDGE = "Less than a guess: the margin decides for this label, its calibration on other records hardly does.";

/**
 * A model's confidence as text. Confidence is calibrated, so it may be below that of a guess. Pure.
 *
 * @param {{confidence: number | null, margins: number[]}} answer
 * @returns {{words: string, why: string | null}}
 */
export function sureness({ confidence, margins }) {
  if (confidence === null) return { words: "confidence not known", why: null };
  const edge = confidence < 1 / Math.max(2, margins.length);
  return edge
    ? { words: `on the edge (${percent(confidence)})`, why: ON_THE_EDGE }
    : { words: `${percent(confidence)} sure`, why: null };
}

/**
 * @param {object} props
 * @param {{label: string, margins: number[], confidence: number | null, model: number}} props.answer
 * @param {import("./signed_bars.js").Contribution[] | null} props.contributions null: not known
 * @param {number | null} props.base
 * @param {string[]} props.classes
 */
export function Explanation({ answer, contributions, base, classes }) {
  const { label, margins, model } = answer;
  const { words, why } = sureness(answer);
  const sides = sidesOf(label, margins, classes);
  return html`
    <section class="card explanation" aria-labelledby="explanation-title">
      <div class="card-head">
        <h2 id="explanation-title">The model's answer</h2>
        <span class="note"><a href=${href("model", { id: model })}>model ${model}</a></span>
      </div>
      <div class="explained">
        <p>
          <strong>${label}</strong>
          <span class="note" title=${why}>${words}</span>
        </p>
        ${contributions && html`<${PushPicture} contributions=${contributions} />`}
      </div>
      ${contributions
        ? html`<${SignedBars} contributions=${contributions} base=${base} for=${sides.for} against=${sides.against} />`
        : html`<p class="note">Why isn't known: model ${model} isn't in the registry.</p>`}
    </section>
  `;
}
