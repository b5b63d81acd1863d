/** The results of a trial: of the stream as they are stored, or all at once. */
import { useResource } from "../../resource.js";
import { count, duration, plural } from "../../format.js";
import { useLive } from "../../live.js";
import { Card } from "../../parts/card.js";
import { Problem } from "../../parts/problem.js";
import { Progress } from "../../parts/progress.js";
import { href } from "../../router.js";
import { html, useEffect, useMemo, useState } from "../../view.js";
import { ResultsTable } from "./results_table.js";
import { MOST } from "./records.js";

/** Read also without an event. */
const POLL_MS = 2_000;
/** @typedef {import("../../types").ListedPrediction} ListedPrediction */

const LATE_MS = 10_000;
/** @param {import("../../live.js").Live} live */
const championOf = (live) => live.stats.value?.champion ?? null;

/** @param {{trial: import("./trial.js").Trial, names: string[] | null}} props a trial that was answered */
export function DirectResults({ trial: { records, answer, about }, names }) {
  const answers = useMemo(
    () => records.features.map((features, i) => ({
      nr: i + 1, features, label: answer.labels[i], confidence: answer.confidence[i], prediction: null,
      along: alongOf(records, i),
    })),
    [records, answer],
  );
  return html`
    <${Card} title="Scored at once" note=${about}>
      <p class="scored-words" role="status">
        Model ${answer.model} answered ${plural(answers.length, "record")}: ${tally(answers)}. Nothing was stored.
      </p>
      <${ResultsTable} answers=${answers} names=${names} />
    <//>
  `;
}

/** @param {{trial: import("./trial.js").Trial, names: string[] | null}} props a trial whose records are in Kafka */
export function StreamResults({ trial: { records, answer, about }, names }) {
  const total = answer.predictions.length;
  const [back, setBack] = useState(0);
  const all = back === total;
  const reading = useResource("/v1/predictions", { query: { batch: answer.batch_id, limit: MOST }, on: all ? [] : ["batch"] });
  const stored = useMemo(() => new Map(reading.value?.items.map((one) => [one.prediction, one])), [reading.value]);
  const answers = useMemo(() => {
    /** @type {string[]} */
    const ids = answer.predictions;
    return ids.map((id, i) => rowOf(i, records, stored.get(id)));
  }, [stored]);
  useEffect(() => setBack(answers.filter((one) => one.label !== null).length), [answers]);
  usePolling(all, reading.refresh);
  return html`
    <${Card} title="Sent to the stream" note=${about} actions=${html`<${Links} batch=${answer.batch_id} />`}>
      <${Problem} error=${reading.error?.away ? null : reading.error} again=${reading.refresh} />
      <div class="scored-words">
        <p role="status">
          ${all ? (total === 1 ? "" : "All ") : `${count(back)} of `}${plural(total, "record")} ${total === 1 ? "is" : "are"} scored and
          stored${back > 0 ? `: ${tally(answers)}` : ""}. ${all && tookWords([...stored.values()])}
        </p>
        ${!all && html`<${Progress} value=${back} of=${total} label="Records that are back" />`}
        ${!all && html`<${Late} />`}
      </div>
      <${ResultsTable} answers=${answers} names=${names} />
    <//>
  `;
}

/**
 * @param {number} i
 * @param {import("./records.js").Records} records
 * @param {ListedPrediction | undefined} found
 * @returns {import("./results_table.js").Answer}
 */
function rowOf(i, records, found) {
  const { label = null, confidence = null, prediction = null } = found ?? {};
  return { nr: i + 1, features: records.features[i], label, confidence, prediction, along: alongOf(records, i) };
}

/** @param {import("./records.js").Records} records @param {number} i @returns {import("./results_table.js").Along} */
const alongOf = ({ ids, subjects, contexts }, i) => ({ id: ids?.[i], subject: subjects?.[i], context: contexts?.[i] });

/** @param {boolean} done @param {() => void} look */
function usePolling(done, look) {
  useEffect(() => {
    if (done) return undefined;
    const timer = setInterval(look, POLL_MS);
    return () => clearInterval(timer);
  }, [done, look]);
}

/** @param {{batch: string}} props */
function Links({ batch }) {
  return html`
    <a class="button" href=${href("batch", { id: batch })}>Open the batch</a>
    <a class="button" href=${href("review")}>Review</a>
  `;
}

/** Possible causes, shown after a while. */
function Late() {
  const [late, setLate] = useState(false);
  const champion = useLive(championOf);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), LATE_MS);
    return () => clearTimeout(timer);
  }, []);
  if (!late) return null;
  return html`<p class="note">
    ${champion === null
      ? "No model is live yet: they wait in Kafka until the first one is."
      : html`That takes long. Score or store workers may be behind or away: see <a href=${href("home")}>Home</a>. What can't be
          used is among the <a href=${href("dead_letters")}>dead letters</a>.`}
  </p>`;
}

/** The count of each label, the most frequent first. @param {import("./results_table.js").Answer[]} answers */
function tally(answers) {
  const times = new Map();
  for (const { label } of answers) if (label !== null) times.set(label, (times.get(label) ?? 0) + 1);
  const sorted = [...times].sort((a, b) => b[1] - a[1]);
  const rest = sorted.slice(10).reduce((sum, [, n]) => sum + n, 0);
  return sorted.slice(0, 10).map(([label, n]) => `${count(n)} “${label}”`).join(", ") + (rest ? `, ${count(rest)} others` : "");
}

/** @param {ListedPrediction[]} stored */
function tookWords(stored) {
  const took = stored.map((one) => (Date.parse(one.stored_at) - Date.parse(one.ingested_at)) / 1000).sort((a, b) => a - b);
  return `From the broker to the row: ${duration(took[took.length >> 1])} at the median.`;
}
