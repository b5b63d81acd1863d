/** What the caller's role allows: a button whose operation would be refused isn't shown. */
import { useLive } from "./live.js";

/** Each includes those before it. @type {import("./types").Caller["role"][]} */
const ROLES = ["read", "ingest", "review", "admin"];

/** Whether the caller's role includes `needed`; false until it is known. @param {(typeof ROLES)[number]} needed */
export const useMay = (needed) =>
  useLive(({ me }) => me.value !== null && ROLES.indexOf(me.value.role) >= ROLES.indexOf(needed));
