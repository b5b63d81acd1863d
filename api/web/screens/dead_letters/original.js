/** The original message of a dead letter's record, in a readable form. */
import { count } from "../../format.js";
import { html, useMemo, useState } from "../../view.js";
import { bytesOf, hexDump, textOf, formatJson } from "./text_format.js";

/** @param {{original: import("../../types").Letter["original"]}} props */
export function Original({ original }) {
  const { record, key, value, headers, cut } = original;
  const raw = record === null;
  return html`
    ${cut &&
    html`<p class="note">
      <strong>This letter holds a part of its message.</strong> ${cutText(cut)} Sending it again reads the message from its
      place in Kafka, while Kafka keeps it there.
    </p>`}
    <h3>Record</h3>
    ${raw
      ? html`<p class="note">It can't be read as a record; its bytes are below.</p>`
      : html`<pre class="raw" tabindex="0" role="region" aria-label="The record">${formatJson(record)}</pre>`}
    <h3>Value</h3>
    <${Content} content=${value} name="The value" open=${raw} />
    <h3>Key</h3>
    <${Content} content=${key} name="The key" open=${true} />
    <h3>Headers</h3>
    ${headers.length === 0 && html`<p class="note">There are none.</p>`}
    ${headers.length > 0 &&
    html`<dl class="letter-facts">
      ${headers.map((header) => [
        html`<dt><code>${header.name}</code></dt>`,
        html`<dd><code>${header.value}</code></dd>`,
      ])}
    </dl>`}
  `;
}

/** @param {NonNullable<import("../../types").Letter["original"]["cut"]>} cut */
function cutText(cut) {
  const value = cut.value_bytes === null ? "" : `The value has ${count(cut.value_bytes)} bytes.`;
  const key = cut.key_bytes === null ? "" : `The key has ${count(cut.key_bytes)} bytes.`;
  const headers = cut.headers === null ? "" : `There are ${count(cut.headers)} headers.`;
  return [value, key, headers].filter(Boolean).join(" ");
}

/**
 * Any bytes: as text if they are text, else as hex.
 *
 * @param {{content: import("../../types").Letter["original"]["value"], name: string, open: boolean}} props
 */
function Content({ content, name, open: first }) {
  const [open, setOpen] = useState(first && (content?.size_bytes ?? 0) <= 4_096);
  if (content === null) return html`<p class="note">There is none.</p>`;
  const size = `${count(content.size_bytes)} ${content.size_bytes === 1 ? "byte" : "bytes"}`;
  if (content.size_bytes === 0) return html`<p class="note">It is empty.</p>`;
  return html`
    <p class="note">
      ${size} ${content.cut && html`<strong>It is cut: what is shown is its beginning.</strong>`}
      <button type="button" class="quiet" aria-expanded=${open ? "true" : "false"} onClick=${() => setOpen(!open)}>
        ${open ? "Hide" : "Show"}<span class="unseen"> ${name.toLowerCase()}</span>
      </button>
    </p>
    ${open && html`<${Bytes} base64=${content.base64} name=${name} />`}
  `;
}

/** @param {{base64: string, name: string}} props */
function Bytes({ base64, name }) {
  const [text, how] = useMemo(() => {
    const bytes = bytesOf(base64);
    const found = textOf(bytes);
    return found === null ? [hexDump(bytes), "in hex"] : [found, "as text"];
  }, [base64]);
  const look = how === "in hex" ? "raw hex" : "raw";
  return html`<pre class=${look} tabindex="0" role="region" aria-label=${`${name} ${how}`}>${text}</pre>`;
}
