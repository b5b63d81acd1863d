/** A record as a person can judge it: its context, its picture or its features, and where it comes from. */
import { dateTime } from "../format.js";
import { href } from "../router.js";
import { html, useMemo } from "../view.js";
import { Features } from "./features.js";
import { Picture, pictureOf } from "./picture.js";

/**
 * @param {object} props
 * @param {string} props.title
 * @param {any} [props.note] how it came to be shown, say
 * @param {{prediction: string, id: string | null, subject: string | null, batch: string | null, context: string | null,
 *   ingested_at: string}} props.record
 * @param {{feature: string, value: number}[]} props.features
 */
export function Record({ title, note, record, features }) {
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
        : html`<${Features} features=${features} />`}
      <dl class="record-facts">
        <${Fact} name="Prediction">
          <a class="mono" href=${href("prediction", { id: record.prediction })}>${record.prediction}</a>
        <//>
        ${record.id && html`<${Fact} name="Id">${record.id}<//>`}
        ${record.subject && html`<${Fact} name="Subject">${record.subject}<//>`}
        ${record.batch &&
        html`<${Fact} name="Batch"><a href=${href("batch", { id: record.batch })}>${record.batch}</a><//>`}
        <${Fact} name="Arrived">${dateTime(record.ingested_at)}<//>
      </dl>
    </section>
  `;
}

function AsPicture({ picture, features }) {
  return html`
    <${Picture} picture=${picture} label=${`The record as a picture of ${picture.columns} by ${picture.rows} pixels`} />
    <details>
      <summary>${features.length} values</summary>
      <${Features} features=${features} />
    </details>
  `;
}

function Fact({ name, children }) {
  return html`<div><dt>${name}</dt><dd>${children}</dd></div>`;
}
