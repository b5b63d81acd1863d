/** The current review of a prediction: as the API has it, or as it was made in this tab a moment ago. */
import { html } from "../view.js";
import { Badge } from "./badge.js";

/**
 * The review that counts. A review that was made in this tab counts until a later one comes from elsewhere. Pure.
 *
 * @param {{review: {label: string, reviewer: string | null, at: string, feedback: string} | null}} row
 * @param {import("../feedback/kept_reviews.js").LocalReview | undefined} local the last one that was made in this tab
 * @returns {{label: string, reviewer: string | null, own: boolean, state: string} | null} `own`: it was made in this tab
 */
export function reviewStateOf({ review }, local) {
  const failed = local?.state === "refused" || local?.state === "lost";
  const later = local && review && review.feedback !== local.feedback && Date.parse(review.at) > local.atMs;
  if (!local || failed || later) return review && { ...review, own: false, state: "recorded" };
  if (local.label === null) return null;
  return { label: local.label, reviewer: local.reviewer, own: true, state: local.state };
}

/** @param {{of: ReturnType<typeof reviewStateOf>, predicted: string}} props */
export function ReviewState({ of: state, predicted }) {
  if (state === null) return html`<span class="note">not reviewed</span>`;
  const { label, reviewer } = state;
  const open = state.state === "waiting" || state.state === "taken";
  return html`
    ${label === predicted ? html`<${Badge} kind="good">confirmed<//>` : html`<${Badge} kind="warn">it is ${label}<//>`}
    <span class="note"> ${open ? "under way" : reviewer ? `by ${reviewer}` : ""}</span>
  `;
}
