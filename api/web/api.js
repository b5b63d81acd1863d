/** Asking the API: the key goes along, and whatever goes wrong is one kind of error that a person can read. */
import { askForKey, currentKey } from "./key.js";

const ANSWERS_WITHIN_MS = 20_000;

/**
 * The API's problem (RFC 9457). `status` is 0 where there was no answer at all.
 *
 * `faults`: which fields, and why. `taken`: of a write that broke off, the id of each item that was written, else null.
 */
export class ApiError extends Error {
  /**
   * @param {{status: number, title: string, detail: string, errors?: {field: string, detail: string}[],
   *   taken?: (string | null)[], request_id?: string}} problem
   * @param {number | null} retryAfterS
   */
  constructor(problem, retryAfterS = null) {
    super(problem.detail || problem.title);
    this.name = "ApiError";
    this.status = problem.status;
    this.title = problem.title;
    this.detail = problem.detail;
    this.faults = problem.errors ?? [];
    this.taken = problem.taken ?? null;
    this.requestId = problem.request_id ?? null;
    this.retryAfterS = retryAfterS;
  }

  /** Whether the API itself is away. */
  get away() {
    return this.status === 0;
  }
}

/**
 * @typedef {object} Request
 * @property {string} [method]
 * @property {Record<string, string | number | boolean | null | undefined>} [query] null and undefined aren't sent
 * @property {unknown} [body] sent as JSON
 * @property {Record<string, string>} [headers]
 * @property {AbortSignal} [signal]
 * @property {string} [idempotencyKey] the same key again does nothing twice; 503 while Redis is away
 */

/**
 * The JSON answer.
 *
 * @param {string} path
 * @param {Request} [request]
 * @throws {ApiError}
 */
export async function ask(path, request = {}) {
  const late = AbortSignal.timeout(ANSWERS_WITHIN_MS);
  const signal = request.signal ? AbortSignal.any([request.signal, late]) : late;
  const response = await open(path, { ...request, signal });
  try {
    return await response.json();
  } catch (error) {
    throw broken(error, request.signal);
  }
}

/**
 * The answer as it comes, once it is known to be a good one. Where a key is needed it is asked for, and sent.
 *
 * @param {string} path
 * @param {Request} [request]
 * @returns {Promise<Response>}
 * @throws {ApiError}
 */
export async function open(path, request = {}) {
  for (;;) {
    const key = currentKey();
    const response = await fetched(path, request, key);
    if (response.ok) return response;
    const error = await problemOf(response);
    if (error.status !== 401) throw error;
    const another = currentKey() !== key; // given meanwhile to somebody else who asked
    if (!another && !(await askForKey(error.detail))) throw error;
  }
}

async function fetched(path, { method = "GET", query = {}, body, headers = {}, signal, idempotencyKey }, key) {
  const url = new URL(path, location.origin);
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined) url.searchParams.set(name, String(value));
  }
  const sent = { ...headers };
  if (key !== null) sent.Authorization = `Bearer ${key}`;
  if (body !== undefined) sent["Content-Type"] = "application/json";
  if (idempotencyKey) sent["Idempotency-Key"] = idempotencyKey;
  try {
    return await fetch(url, { method, headers: sent, body: body === undefined ? undefined : JSON.stringify(body), signal });
  } catch (error) {
    throw broken(error, signal);
  }
}

/** What a request that broke off ends with: who stopped it by themselves gets their own reason back. */
function broken(error, signal) {
  if (error.name === "TimeoutError") return away("It didn't answer in time.");
  if (signal?.aborted) return error;
  return away("It can't be reached.");
}

function away(detail) {
  return new ApiError({ status: 0, title: "The API is away", detail });
}

async function problemOf(response) {
  const text = await response.text().catch(() => "");
  const told = readProblem(text) ?? { title: response.statusText || "Something went wrong", detail: text.slice(0, 300) };
  const after = Number.parseFloat(response.headers.get("Retry-After") ?? "");
  return new ApiError({ ...told, status: response.status }, Number.isFinite(after) ? after : null);
}

function readProblem(text) {
  try {
    const found = JSON.parse(text);
    return typeof found?.title === "string" ? found : null;
  } catch {
    return null; // something between us and the API answered in its own way
  }
}
