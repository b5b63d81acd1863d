/** The form that reviews the prediction that is shown, with a comment if there is something to add. */
import { useCell } from "../../cell.js";
import { submitReview } from "../../feedback/outbox.js";
import { reviewerName } from "../../feedback/reviewer.js";
import { latestByPrediction, reviews } from "../../feedback/reviews.js";
import { Card } from "../../parts/card.js";
import { Labels } from "../../parts/labels.js";
import { ReviewState, reviewStateOf } from "../../parts/review_state.js";
import { announce } from "../../toasts.js";
import { html, useState } from "../../view.js";

/** @param {{prediction: any, classes: string[]}} props */
export function ReviewForm({ prediction, classes }) {
  const said = latestByPrediction(useCell(reviews)).get(prediction.prediction);
  const standing = reviewStateOf(prediction, said);
  const mine = standing?.own || prediction.reviews.some((one) => one.reviewer === reviewerName() && said?.label !== null);
  const [comment, setComment] = useState("");
  const say = (label, words) => {
    submitReview(prediction.prediction, label, { batch: prediction.batch, comment: comment.trim() || null });
    setComment("");
    announce(words);
  };
  return html`
    <${Card} title="Is it right?" note=${html`<${ReviewState} of=${standing} predicted=${prediction.label} />`} class="say">
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
