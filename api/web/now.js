/** The clock, as views see it: times told as "3 min. ago" and countdowns go on by themselves. */
import { useEffect, useState } from "./view.js";

/** The time, told anew every so many milliseconds. @returns {number} ms since 1970 */
export function useNow(everyMs = 1_000) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
