/** What is said of a prediction now: as the API tells it, or as it was said here a moment ago. */
import { html } from "../view.js";
import { Badge } from "./badge.js";

/**
 * The word that counts. What was said here stands until somebody else spoke after it. Pure.
 *
 * @param {{review: {label: string, reviewer: string | null, at: string, feedback: string} | null}} row
 * @param {import("../feedback/reviews.js").LocalReview | undefined} saying the last that was said here
 * @returns {{label: string, reviewer: string | null, own: boolean, state: string} | null} `own`: it was said here
 */
export function reviewStateOf({ review }, saying) {
  const failed = saying?.state === "refused" || saying?.state === "lost";
  const later = saying && review && review.feedback !== saying.feedback && Date.parse(review.at) > saying.atMs;
  if (!saying || failed || later) return review && { ...review, own: false, state: "recorded" };
  if (saying.label === null) return null;
  return { label: saying.label, reviewer: saying.reviewer, own: true, state: saying.state };
}

/** @param {{of: ReturnType<typeof reviewStateOf>, predicted: string}} props */
export function ReviewState({ of: standing, predicted }) {
  if (standing === null) return html`<span class="note">not reviewed</span>`;
  const { label, reviewer, state } = standing;
  const open = state === "waiting" || state === "taken";
  return html`
    ${label === predicted ? html`<${Badge} kind="good">confirmed<//>` : html`<${Badge} kind="warn">it is ${label}<//>`}
    <span class="note"> ${open ? "under way" : reviewer ? `by ${reviewer}` : ""}</span>
  `;
}
