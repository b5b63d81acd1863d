/** A job that nobody has taken yet: it is waited for, since it was asked for a moment ago; or there is none. */
import { useNow } from "../../now.js";
import { Empty } from "../../parts/empty.js";
import { href } from "../../router.js";
import { html, useEffect, useState } from "../../view.js";

const LOOK_EVERY_MS = 2_000;
const LONG_MS = 10_000;

/** @param {{again: () => void}} props events tell of it, unless Redis is away: thus it is asked for as well */
export function PendingJob({ again }) {
  const [beganMs] = useState(Date.now());
  const long = useNow() - beganMs > LONG_MS;
  useEffect(() => {
    const timer = setInterval(again, LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, [again]);
  return html`
    <${Empty} title=${long ? "Nobody has taken this job" : "Waiting for a retrain worker to take it…"}>
      <p role="status">
        ${long
          ? html`There is none of this id, or no retrain worker is up (<a href=${href("home")}>who is at work</a>). It is still
              looked for.`
          : "It was sent. This goes on by itself."}
      </p>
    <//>
  `;
}
