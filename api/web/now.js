/** The current time for views: times such as "3 min. ago" and countdowns update by themselves. */
import { useEffect, useState } from "./view.js";

/** The time, updated every `everyMs`. @returns {number} ms since 1970 */
export function useNow(everyMs = 1_000) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
