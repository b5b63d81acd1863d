/** The workers: their condition, model, partitions and lag. */
import { count, rate } from "../../format.js";
import { useLive } from "../../live.js";
import { Badge } from "../../parts/badge.js";
import { Card } from "../../parts/card.js";
import { Empty } from "../../parts/empty.js";
import { loaded } from "../../parts/loaded.js";
import { Table } from "../../parts/table.js";
import { Time } from "../../parts/time.js";
import { html } from "../../view.js";

const READY = "ready";

/** @typedef {{champion: import("../../types").Stats["champion"]}} ChampionProps */
/** @typedef {import("../../types").Workers["items"][number]} Worker */

/** @param {ChampionProps} props */
export function Workers({ champion }) {
  const workers = useLive((live) => live.workers);
  return html`
    <${Card} title="Workers" note="as they reported in the last ten seconds">
      ${loaded(workers, (value) => html`<${Known} ...${value} champion=${champion} />`)}
    <//>
  `;
}

/** @param {import("../../types").Workers & ChampionProps} props */
function Known({ items, missing, known, champion }) {
  if (!known) return html`<${Empty} title="Not known"><p>Redis, where workers report their state, is away.</p><//>`;
  if (items.length === 0) {
    const how = html`<code>relearn up</code> starts workers of each role; <code>relearn worker score</code> one more.`;
    return html`<${Missing} missing=${missing} /><${Empty} title="No worker is running"><p>${how}</p><//>`;
  }
  /** @type {import("../../parts/table.js").Column<Worker>[]} */
  const columns = [
    { title: "Worker", cell: (one) => html`<strong>${one.id}</strong>` },
    { title: "Role", cell: (one) => one.role },
    { title: "Condition", cell: (one) => html`<${Badge} kind=${one.condition === READY ? "good" : "warn"}>${one.condition}<//>` },
    { title: "Model", cell: (one) => html`<${Model} worker=${one} champion=${champion} />` },
    { title: "Shadow", cell: (one) => count(one.shadow), numeric: true },
    { title: "Partitions", cell: (one) => count(one.partitions.length), numeric: true },
    { title: "Lag", cell: (one) => count(one.lag), numeric: true },
    { title: "Rate", cell: (one) => rate(one.rate), numeric: true },
    { title: "Seen", cell: (one) => html`<${Time} at=${one.seen_at} />` },
  ];
  return html`
    <${Table} caption="Workers" columns=${columns} rows=${items} keyOf=${idOf} />
    <${Missing} missing=${missing} />
    <${Notices} workers=${items} />
  `;
}

/** Workers that should run and send no heartbeat. @param {Pick<import("../../types").Workers, "missing">} props */
function Missing({ missing }) {
  if (missing.length === 0) return null;
  return html`
    <ul class="notices" aria-label="Missing workers">
      ${missing.map(
        ({ role, expected, seen }) => html`
          <li key=${role}><${Badge} kind="bad">missing<//> ${count(expected)} ${role} expected, ${count(seen)} alive</li>
        `,
      )}
    </ul>
  `;
}

/** What is wrong with workers that go on. @param {{workers: Worker[]}} props */
function Notices({ workers }) {
  const notices = workers.flatMap((one) => one.notices.map((notice) => ({ id: one.id, ...notice })));
  if (notices.length === 0) return null;
  return html`
    <ul class="notices" aria-label="Notices">
      ${notices.map(
        ({ id, code, detail, since }) => html`
          <li key=${`${id} ${code}`}><${Badge} kind="warn">${code}<//> <strong>${id}</strong>, since <${Time} at=${since} />: ${detail}</li>
        `,
      )}
    </ul>
  `;
}

/** @param {Worker} worker */
const idOf = ({ id }) => id;

/** A worker with an activation below the champion's is behind. @param {{worker: Worker} & ChampionProps} props */
function Model({ worker: { role, model, activation }, champion }) {
  if (model === null && (role !== "score" || !champion)) return count(null);
  const behind = champion && (activation ?? 0) < champion.activation;
  const words = model === null ? "none yet" : `model ${count(model)}`;
  return behind ? html`<span>${words} <${Badge} kind="warn">behind<//></span>` : words;
}
