/** Try it: send samples or own records, and see them scored. */
import { useSchema } from "../model_facts.js";
import { count } from "../format.js";
import { useLive } from "../live.js";
import { Card } from "../parts/card.js";
import { Empty } from "../parts/empty.js";
import { FirstModel } from "../parts/first_model.js";
import { Problem } from "../parts/problem.js";
import { Screen } from "../parts/screen.js";
import { html, useEffect, useMemo, useState } from "../view.js";
import { RecordForm } from "./try/record_form.js";
import { sampleRecords } from "./try/samples.js";
import { DirectResults, StreamResults } from "./try/results.js";
import { SampleForm } from "./try/sample_form.js";
import { useTrial } from "./try/trial.js";

/** @typedef {import("./try/trial.js").Mode} Mode */

/** @type {[Mode, string][]} */
const MODES = [
  ["stream", "Through the stream"],
  ["once", "At once, nothing stored"],
];
/** @param {import("../live.js").Live} live */
const statsOf = (live) => live.stats.value;

export function Try() {
  const stats = useLive(statsOf);
  const champion = stats?.champion?.version ?? null;
  const schema = useSchema(champion);
  const names = useMemo(() => schema && schema.map(({ name }) => name), [schema]);
  const [mode, setMode] = useState(/** @type {Mode} */ ("stream"));
  const [nothing, setNothing] = useState(false);
  const records = stats?.totals.records ?? null;
  useEffect(() => setNothing(champion === null && records === 0), [champion, records]);
  const { trial, busy, error, begin, again } = useTrial();
  const verb = mode === "stream" ? "Send" : "Score";

  /** @param {number} n */
  const sendSamples = (n) =>
    begin(mode, async () => {
      const found = await sampleRecords(n);
      setNothing(found === null);
      return found && { records: found.records, about: wordsOf(found, n) };
    });
  /** @param {import("./try/records.js").Records} given */
  const sendOwn = (given) => begin(mode, async () => ({ records: given, about: "Your own records" }));
  const modes = html`<${Modes} mode=${mode} choose=${setMode} />`;
  const note = html`<p class="note samples-note">${SAMPLES}</p>`;
  const Scored = trial?.mode === "stream" ? StreamResults : DirectResults;
  return html`
    <${Screen} title="Try it" lead="Send records and see them come back scored." actions=${modes}>
      <div class="stack">
        <p class="note">${mode === "stream" ? STREAM : ONCE}</p>
        <div class="columns">
          <${Card} title="Sample records">
            ${nothing ? html`<${NoSamples} />` : html`<${SampleForm} verb=${verb} busy=${busy} go=${sendSamples} />${note}`}
          <//>
          <${Card} title="Your own records"><${RecordForm} schema=${schema} verb=${verb} busy=${busy} go=${sendOwn} /><//>
        </div>
        <${Problem} error=${error ?? trial?.error ?? null} again=${trial?.error ? again : undefined} />
        ${trial?.answer && html`<${Scored} key=${trial.key} trial=${trial} names=${names} />`}
      </div>
    <//>
  `;
}

const STREAM = "They go to Kafka, are scored and stored by the workers as any record is, and can be reviewed.";
const ONCE = "The API's own copy of the model answers. Nothing is sent to the stream, stored, or learned from.";
const SAMPLES = `Copies, chosen at random, of records that came lately, unchanged: nothing is made up. A copy is about what its
  original is about, so that reviews of both count as one example. While nothing is stored yet, the champion's training examples
  are copied.`;

/** @param {{mode: Mode, choose: (mode: Mode) => void}} props */
function Modes({ mode, choose }) {
  return html`
    <fieldset class="segments try-modes">
      <legend class="unseen">How they are scored</legend>
      ${MODES.map(
        ([name, words]) => html`<label key=${name}>
          <input class="unseen" type="radio" name="try-mode" checked=${mode === name} onChange=${() => choose(name)} />${words}
        </label>`,
      )}
    </fieldset>
  `;
}

function NoSamples() {
  return html`<${Empty} title="There is nothing to copy yet">
    <p>Nothing is stored, and no model was trained. Send your own records, or train a first model:</p>
    <${FirstModel} />
  <//>`;
}

/** @param {import("./try/samples.js").Samples} samples @param {number} n */
function wordsOf({ source, different }, n) {
  const copies = n === 1 ? "A copy" : `${count(n)} copies`;
  const of = source === "stored" ? "of stored records" : "of the champion's training examples";
  return different < n ? `${copies} ${of}, of which there are only ${count(different)}` : `${copies} ${of}`;
}
