/** The form for own records: typed, pasted or from a file, checked while typing. */
import { count, plural } from "../../format.js";
import { onValue } from "../../forms.js";
import { html, useMemo, useState } from "../../view.js";
import { MOST, readRecords, some } from "./records.js";

const FAULTS = 6;
const MOST_BYTES = 8 * 1024 * 1024;
/** Features of the placeholder. */
const SHOWN = 4;

/** @typedef {import("../../model_facts.js").Schema} Schema */

/**
 * @param {{schema: Schema | null, verb: string, busy: boolean, go: (records: import("./records.js").Records) => void}} props
 */
export function RecordForm({ schema, verb, busy, go }) {
  const [text, setText] = useState("");
  const [refused, setRefused] = useState(/** @type {string | null} */ (null));
  const found = useMemo(() => readRecords(text, schema), [text, schema]);
  /** @param {{currentTarget: HTMLInputElement}} event */
  async function load(event) {
    const file = event.currentTarget.files?.[0];
    event.currentTarget.value = "";
    if (!file) return;
    const tooLarge = file.size > MOST_BYTES;
    setRefused(tooLarge ? `${file.name} is too large to be read here; \`relearn produce\` sends any file.` : null);
    if (!tooLarge) setText(await file.text());
  }
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    if (found.records) go(found.records);
  };
  return html`
    <form class="own" onSubmit=${submit}>
      <label for="own-text">Records, as CSV or JSON</label>
      <textarea id="own-text" class="mono" rows="8" spellcheck=${false} autocomplete="off" placeholder=${placeholderOf(schema)}
        aria-describedby="own-help own-found" aria-invalid=${found.faults.length ? "true" : null}
        value=${text} onInput=${onValue(setText)}></textarea>
      <p class="note" id="own-help">
        One record a line, ${valuesText(schema)}; or names in the first line (<code>id</code>, <code>subject</code>,
        ${" "}<code>context</code> and <code>batch</code> go along). JSON: an array of arrays, or of objects.
        ${" "}${kindsText(schema)} At most ${count(MOST)}.
      </p>
      <div id="own-found" role="status">
        ${refused && html`<p class="own-fault">${refused}</p>`}
        <${Found} found=${found} />
      </div>
      <div class="actions">
        <button type="submit" class="primary" disabled=${busy || !found.records}>
          ${found.records ? `${verb} ${plural(found.count, "record")}` : verb}
        </button>
        <label class="button own-file">
          From a file<input class="unseen" type="file" accept=".csv,.json,.txt,.tsv" onChange=${load} />
        </label>
        ${text && html`<button type="button" class="quiet" onClick=${() => setText("")}>Clear</button>`}
      </div>
    </form>
  `;
}

/** @param {{found: ReturnType<typeof readRecords>}} props */
function Found({ found: { faults } }) {
  if (!faults.length) return null;
  const rest = faults.length - FAULTS;
  return html`
    <ul class="own-faults">
      ${faults.slice(0, FAULTS).map((fault, i) => html`<li key=${i}><strong>Line ${fault.line}:</strong> ${fault.words}</li>`)}
      ${rest > 0 && html`<li>And ${plural(rest, "other fault")}.</li>`}
    </ul>
  `;
}

/** @param {Schema | null} schema */
function valuesText(schema) {
  if (!schema) return "its values in order";
  const values = schema.some(({ kind }) => kind !== "number") ? "values" : "numbers";
  return `its ${count(schema.length)} ${values} in the order of the model's features`;
}

/** Which features are no numbers, and which may be missing. @param {Schema | null} schema */
function kindsText(schema) {
  if (!schema) return "Before a model is there, categories and gaps are sent as JSON: text, and null.";
  /** @param {string} words @param {Schema} features */
  const about = (words, features) => (features.length ? `${words}: ${some(features.map(({ name }) => name))}.` : "");
  return [
    about("Categories, which are any text", schema.filter(({ kind }) => kind === "category")),
    about("Texts, in quotes if they have commas, quotes (doubled) or line breaks", schema.filter(({ kind }) => kind === "text")),
    about("May be missing (an empty cell, or null in JSON)", schema.filter(({ missing }) => missing)),
  ].filter(Boolean).join(" ");
}

/** @type {Record<string, string>} */
const EXAMPLES = { category: "text", text: '"It came late, and broken."' };

/** An example in the form of the model's records, with a line of gaps where there may be any. @param {Schema | null} schema */
export function placeholderOf(schema) {
  if (!schema) return "5.1, 3.5, 1.4, 0.2";
  const first = schema.slice(0, SHOWN);
  const whole = first.map(({ kind }, i) => (EXAMPLES[kind] ?? String(i)));
  const lines = [first.map(({ name }) => (/[",\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name)), whole];
  if (first.some(({ missing }) => missing)) lines.push(first.map(({ missing }, i) => (missing ? "" : whole[i])));
  return lines.map((cells) => cells.join() + (schema.length > SHOWN ? ",…" : "")).join("\n");
}
