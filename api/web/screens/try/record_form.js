/** The form for own records: typed, pasted or from a file, checked while typing. */
import { count, plural } from "../../format.js";
import { onValue } from "../../forms.js";
import { html, useMemo, useState } from "../../view.js";
import { MOST, readRecords } from "./records.js";

const FAULTS = 6;
const MOST_BYTES = 8 * 1024 * 1024;

/**
 * @param {{names: string[] | null, verb: string, busy: boolean, go: (records: import("./records.js").Records) => void}} props
 */
export function RecordForm({ names, verb, busy, go }) {
  const [text, setText] = useState("");
  const [refused, setRefused] = useState(/** @type {string | null} */ (null));
  const found = useMemo(() => readRecords(text, names), [text, names]);
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
      <textarea id="own-text" class="mono" rows="8" spellcheck=${false} autocomplete="off" placeholder=${placeholderOf(names)}
        aria-describedby="own-help own-found" aria-invalid=${found.faults.length ? "true" : null}
        value=${text} onInput=${onValue(setText)}></textarea>
      <p class="note" id="own-help">
        One record a line, ${names ? html`its ${count(names.length)} numbers in the order of the model's features` : "its numbers in order"};
        or names in the first line (<code>id</code>, <code>subject</code>, <code>context</code> and <code>batch</code> go along). JSON: an array of
        arrays, or of objects. At most ${count(MOST)}.
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

/** An example in the form of the model's records. @param {string[] | null} names */
function placeholderOf(names) {
  if (!names) return "5.1, 3.5, 1.4, 0.2";
  const first = names.slice(0, 3);
  const rest = names.length > 3 ? ",…" : "";
  return `${first.join()}${rest}\n${first.map((_, i) => i).join()}${rest}`;
}
