/** A record as a reviewer sees it: its context, its picture or its texts and other features, and where it comes from. */
import { dateTime } from "../format.js";
import { useTextNames } from "../model_facts.js";
import { href } from "../router.js";
import { html, useMemo } from "../view.js";
import { FactList } from "./fact_list.js";
import { Features } from "./features.js";
import { Picture, pictureOf } from "./picture.js";
import { RecordText, TextKey } from "./text.js";

/** What is longer is no category, in bytes. */
const LONGEST_LEVEL = 256;

/**
 * @typedef {{prediction: string, id: string | null, subject: string | null, batch: string | null, context: string | null,
 *   ingested_at: string, blind?: boolean}} ShownRecord
 */

/**
 * @param {object} props
 * @param {string} props.title
 * @param {any} [props.note] why it is shown, for example
 * @param {ShownRecord} props.record a blind record has no links to the model's answer
 * @param {import("../types").NamedValue[]} props.features
 * @param {{for: string, against: string | null} | null} [props.sides] the labels of the two ways that a word can push
 */
export function Record({ title, note, record, features, sides }) {
  const picture = useMemo(() => pictureOf(features), [features]);
  return html`
    <section class="card record" aria-labelledby="record-title">
      <div class="card-head">
        <h2 id="record-title" tabindex="-1">${title}</h2>
        ${note}
      </div>
      ${record.context && html`<p class="context" tabindex=${record.context.length > 600 ? 0 : null}>${record.context}</p>`}
      ${picture
        ? html`<${AsPicture} picture=${picture} features=${features} />`
        : html`<${Values} features=${features} sides=${sides} />`}
      <${FactList} of=${factsOf(record)} />
    </section>
  `;
}

/** @param {{picture: NonNullable<ReturnType<typeof pictureOf>>, features: import("../types").NamedValue[]}} props */
function AsPicture({ picture, features }) {
  return html`
    <${Picture} picture=${picture} label=${`The record as a picture of ${picture.columns} by ${picture.rows} pixels`} />
    <details>
      <summary>${features.length} values</summary>
      <${Features} features=${features} />
    </details>
  `;
}

/**
 * The texts, then the other features.
 *
 * @param {{features: import("../types").NamedValue[], sides?: {for: string, against: string | null} | null}} props
 */
function Values({ features, sides }) {
  const names = useTextNames();
  /** @param {import("../types").NamedValue} one */
  const isText = ({ feature, value, words }) =>
    typeof value === "string" && value.trim() && (words || names.has(feature) || value.length > LONGEST_LEVEL);
  const texts = features.filter(isText);
  const others = features.filter((one) => !texts.includes(one));
  return html`
    ${texts.map(
      ({ feature, value, words }) => html`
        <section class="one-text" key=${feature}><h3>${feature}</h3><${RecordText} text=${value} words=${words} /></section>
      `,
    )}
    ${sides && texts.some(({ words }) => words?.length) && html`<${TextKey} ...${sides} />`}
    ${others.length > 0 && html`<${Features} features=${others} />`}
  `;
}

/** @param {ShownRecord} record @returns {[string, any][]} */
function factsOf({ prediction, id, subject, batch, ingested_at, blind = false }) {
  /** @param {string} screen @param {string} of */
  const leadTo = (screen, of) => (blind ? of : html`<a href=${href(screen, { id: of })}>${of}</a>`);
  return [
    ["Prediction", html`<span class="mono">${leadTo("prediction", prediction)}</span>`],
    ["Id", id || null],
    ["Subject", subject || null],
    ["Batch", batch ? leadTo("batch", batch) : null],
    ["Arrived", dateTime(ingested_at)],
  ];
}
