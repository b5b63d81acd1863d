/** The form that reviews a prediction by a label, with a comment. */
import { useCell } from "../../cell.js";
import { submitReview } from "../../feedback/send_reviews.js";
import { reviewerName } from "../../feedback/reviewer.js";
import { latestByPrediction, reviews } from "../../feedback/kept_reviews.js";
import { onValue } from "../../forms.js";
import { Card } from "../../parts/card.js";
import { Labels } from "../../parts/labels.js";
import { ReviewState, reviewStateOf } from "../../parts/review_state.js";
import { announce } from "../../toasts.js";
import { html, useState } from "../../view.js";

/** @param {{prediction: import("../../types").Prediction, classes: string[]}} props */
export function ReviewForm({ prediction, classes }) {
  const local = latestByPrediction(useCell(reviews)).get(prediction.prediction);
  const state = reviewStateOf(prediction, local);
  const mine = state?.own || prediction.reviews.some((one) => one.reviewer === reviewerName() && local?.label !== null);
  const [comment, setComment] = useState("");
  /** @param {string | null} label @param {string} words */
  const review = (label, words) => {
    submitReview(prediction.prediction, label, { batch: prediction.batch, comment: comment.trim() || null });
    setComment("");
    announce(words);
  };
  /** @param {string} label */
  const choose = (label) => review(label, `Said ${label}`);
  return html`
    <${Card} title="Is it right?" note=${html`<${ReviewState} of=${state} predicted=${prediction.label} />`} class="say">
      <label class="inline">
        <span>Comment</span>
        <input value=${comment} maxlength="256" placeholder="if there is something to add: it goes with your answer"
          onInput=${onValue(setComment)} />
      </label>
      <button type="button" class="primary confirm" onClick=${() => review(prediction.label, `Confirmed ${prediction.label}`)}>
        Confirm ${prediction.label}
      </button>
      <${Labels} classes=${classes} predicted=${prediction.label} onChoose=${choose} />
      ${mine &&
      html`<button type="button" class="quiet" onClick=${() => review(null, "Taken back")}>Take your review back</button>`}
    <//>
  `;
}
