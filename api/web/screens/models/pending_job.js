/** A job that isn't in the database: no retrain worker has taken its command yet, or it doesn't exist. */
import { useNow } from "../../now.js";
import { Empty } from "../../parts/empty.js";
import { href } from "../../router.js";
import { html, useEffect, useState } from "../../view.js";

const POLL_MS = 2_000;
const LONG_MS = 10_000;

/** @param {{again: () => void}} props called every two seconds too, since events don't come while Redis is away */
export function PendingJob({ again }) {
  const [beganMs] = useState(Date.now());
  const long = useNow() - beganMs > LONG_MS;
  useEffect(() => {
    const timer = setInterval(again, POLL_MS);
    return () => clearInterval(timer);
  }, [again]);
  return html`
    <${Empty} title=${long ? "No worker has taken this job" : "Waiting for a retrain worker to take it…"}>
      <p role="status">
        ${long
          ? html`There is none of this id, or no retrain worker is up (<a href=${href("home")}>see the workers</a>). It is still
              looked for.`
          : "It was sent. This goes on by itself."}
      </p>
    <//>
  `;
}
