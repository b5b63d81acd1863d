/** A text of a record: wrapped, a long one cut, its words tinted by what they add to the margin. */
import { change, count } from "../format.js";
import { html, useMemo, useState } from "../view.js";

/** Maximum of characters and lines that are shown of a long text at first; this many characters more if they are the rest. */
const SHOWN = 1_000;
const LINES = 12;
const MORE = 200;
/** Words below this share of the strongest aren't tinted. */
const LEAST = 0.05;
/** Maximum of words that are tinted: the browser takes seconds to lay out ten thousand. */
const TINTED = 400;
/** A run of what Python's `\w` is, from two on. */
const WORD = /[\p{L}\p{N}_]{2,}/gu;

/**
 * The text in pieces: its words that add something, and what is between them. A word adds its own contribution and those
 * of the two pairs that it is in. Words are found as in `agents/learning/words.py`. Pure.
 *
 * @param {string} text
 * @param {import("../types").WordContribution[]} words in lower case
 * @returns {{text: string, push: number, why?: string}[]} `why`: the contributions, as text
 */
export function tinted(text, words) {
  const pushes = new Map(words.map(({ word, contribution }) => [word, contribution]));
  // The one letter that is longer in lower case, as two that look the same: what is found there has the same place here.
  const whole = text.replaceAll("\u0130", "I\u0307");
  const found = pushes.size ? [...whole.toLowerCase().matchAll(WORD)] : [];
  const pieces = [];
  let end = 0;
  found.forEach(({ 0: word, index }, i) => {
    const own = [word, `${found[i - 1]?.[0]} ${word}`, `${word} ${found[i + 1]?.[0]}`].filter((one) => pushes.has(one));
    if (!own.length) return;
    /** @param {string} one */
    const pushOf = (one) => pushes.get(one) ?? 0;
    if (index > end) pieces.push({ text: whole.slice(end, index), push: 0 });
    end = index + word.length;
    const why = own.map((one) => `${one} ${change(pushOf(one))}`).join(", ");
    pieces.push({ text: whole.slice(index, end), push: own.reduce((sum, one) => sum + pushOf(one), 0), why });
  });
  if (end < whole.length) pieces.push({ text: whole.slice(end), push: 0 });
  return pieces;
}

/** Where the part of a text that is shown at first ends, between two words if one ends near. Pure. @param {string} text */
export function cutAt(text) {
  const most = Math.min(SHOWN, text.split("\n", LINES).join("\n").length);
  if (text.trimEnd().length <= most + (most < SHOWN ? 0 : MORE)) return text.length;
  const blank = text.lastIndexOf(" ", most);
  return blank > Math.max(0, most - 40) ? blank : most;
}

/**
 * Views of the pieces up to `end`; what isn't tinted is one string from one tint to the next.
 *
 * @param {ReturnType<typeof tinted>} pieces
 * @param {number} end
 */
function parts(pieces, end) {
  const largest = pieces.reduce((most, { push }) => Math.max(most, Math.abs(push)), Number.MIN_VALUE);
  const views = [];
  let [plain, at, tints] = ["", 0, 0];
  for (const { text, push, why } of pieces) {
    const part = text.slice(0, Math.max(0, end - at));
    const share = Math.abs(push) / largest;
    at += text.length;
    if (!part || share < LEAST || (tints += 1) > TINTED) plain += part;
    else {
      const style = { "--strength": `${Math.round(8 + 28 * share)}%` };
      views.push(plain, html`<mark class=${push < 0 ? "minus" : "plus"} style=${style} title=${why}>${part}</mark>`);
      plain = "";
    }
  }
  return [...views, plain];
}

/** @param {{text: string, words?: import("../types").WordContribution[] | null}} props no `words`: none is tinted */
export function RecordText({ text, words }) {
  const [all, setAll] = useState(false);
  const pieces = useMemo(() => tinted(text, words ?? []), [text, words]);
  const end = useMemo(() => cutAt(text), [text]);
  const long = end < text.length;
  const shown = parts(pieces, all || !long ? Infinity : end);
  return html`
    <div class=${all ? "text all" : "text"} tabindex=${all ? 0 : null}>${shown}${long && !all && "…"}</div>
    ${long &&
    html`<button type="button" class="quiet" aria-expanded=${String(all)} onClick=${() => setAll(!all)}>
      ${all ? "Show less" : `Show all ${count(text.length)} characters`}
    </button>`}
  `;
}

/** What the tints mean. @param {{for: string, against: string | null}} props the labels of the two directions */
export function TextKey({ for: label, against }) {
  return html`<p class="note">
    <mark class="plus">Underlined</mark> words speak for ${label}, <mark class="minus">dashed</mark> ones
    ${" "}${against ? `for ${against}` : "against it"}; the stronger the tint, the more.
  </p>`;
}
