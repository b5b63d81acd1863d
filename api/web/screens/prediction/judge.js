/** Saying a label of the prediction that is shown, with a comment if there is something to add. */
import { useCell } from "../../cell.js";
import { sayLabel } from "../../feedback/outbox.js";
import { reviewerName } from "../../feedback/reviewer.js";
import { byPrediction, sayings } from "../../feedback/sayings.js";
import { Card } from "../../parts/card.js";
import { Labels } from "../../parts/labels.js";
import { Standing, standingOf } from "../../parts/standing.js";
import { announce } from "../../said.js";
import { html, useState } from "../../view.js";

/** @param {{prediction: any, classes: string[]}} props */
export function Judge({ prediction, classes }) {
  const said = byPrediction(useCell(sayings)).get(prediction.prediction);
  const standing = standingOf(prediction, said);
  const mine = standing?.own || prediction.reviews.some((one) => one.reviewer === reviewerName() && said?.label !== null);
  const [comment, setComment] = useState("");
  const say = (label, words) => {
    sayLabel(prediction.prediction, label, { batch: prediction.batch, comment: comment.trim() || null });
    setComment("");
    announce(words);
  };
  return html`
    <${Card} title="Is it right?" note=${html`<${Standing} of=${standing} predicted=${prediction.label} />`} class="say">
      <label class="inline">
        <span>Comment</span>
        <input value=${comment} maxlength="256" placeholder="if there is something to add: it goes with your answer"
          onInput=${(event) => setComment(event.target.value)} />
      </label>
      <button type="button" class="primary confirm" onClick=${() => say(prediction.label, `Confirmed ${prediction.label}`)}>
        Confirm ${prediction.label}
      </button>
      <${Labels} classes=${classes} predicted=${prediction.label} onChoose=${(label) => say(label, `Said ${label}`)} />
      ${mine &&
      html`<button type="button" class="quiet" onClick=${() => say(null, "Taken back")}>Take back what you said</button>`}
    <//>
  `;
}
