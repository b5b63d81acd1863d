/** Sends requests to the API: adds the key, and turns every failure into an `ApiError` that a person can read. */
import { cancellations, currentKey, requestKey } from "./api_key.js";

const TIMEOUT_MS = 20_000;

/**
 * The API's problem (RFC 9457). `status` is 0 when there was no answer at all.
 *
 * `faults`: the fields that are wrong, and why. `taken`: of a write that broke off, the id of each item that was written,
 * else null.
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

  /** Whether the API itself can't be reached. */
  get away() {
    return this.status === 0;
  }
}

/**
 * The JSON answer to a GET of `path`.
 *
 * @template {import("./types").PathOf<"get">} P
 * @param {P} path as in the OpenAPI document: `/v1/models/{version}`
 * @param {import("./types").Options<"get", P>} [options]
 * @returns {Promise<import("./types").Answer<"get", P>>}
 * @throws {ApiError}
 */
export const getJson = (path, options) => json("get", path, options);

/**
 * The JSON answer to a POST.
 *
 * @template {import("./types").PathOf<"post">} P
 * @param {P} path
 * @param {import("./types").Options<"post", P>} [options]
 * @returns {Promise<import("./types").Answer<"post", P>>}
 * @throws {ApiError}
 */
export const postJson = (path, options) => json("post", path, options);

/**
 * The JSON answer to a PATCH.
 *
 * @template {import("./types").PathOf<"patch">} P
 * @param {P} path
 * @param {import("./types").Options<"patch", P>} [options]
 * @returns {Promise<import("./types").Answer<"patch", P>>}
 * @throws {ApiError}
 */
export const patchJson = (path, options) => json("patch", path, options);

/** @param {string} method @param {string} path @param {import("./types").AnyOptions} [options] */
async function json(method, path, options = {}) {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  const response = await openResponse(method, path, { ...options, signal });
  try {
    return await response.json();
  } catch (error) {
    throw brokenOff(error, options.signal);
  }
}

/**
 * The response, once its status is good. When the API requires a key, it is requested from the user and the request repeated.
 *
 * @param {string} method
 * @param {string} path
 * @param {import("./types").AnyOptions} [options]
 * @returns {Promise<Response>}
 * @throws {ApiError}
 */
export async function openResponse(method, path, options = {}) {
  const before = cancellations();
  for (;;) {
    const key = currentKey();
    const response = await send(method, path, options, key);
    if (response.ok) return response;
    const error = await problemOf(response);
    if (error.status !== 401) throw error;
    const changed = currentKey() !== key; // entered meanwhile, for another request
    if (changed) continue;
    if (cancellations() !== before || !(await requestKey(error.detail))) throw error;
  }
}

/**
 * @param {string} method
 * @param {string} path
 * @param {import("./types").AnyOptions} options
 * @param {string | null} key
 */
async function send(method, path, { params, query = {}, body, headers = {}, signal, idempotencyKey }, key) {
  const url = new URL(withParams(path, params), location.origin);
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined) url.searchParams.set(name, String(value));
  }
  const sent = { ...headers };
  if (key !== null) sent.Authorization = `Bearer ${key}`;
  if (body !== undefined) sent["Content-Type"] = "application/json";
  if (idempotencyKey) sent["Idempotency-Key"] = idempotencyKey;
  try {
    const text = body === undefined ? undefined : JSON.stringify(body);
    return await fetch(url, { method: method.toUpperCase(), headers: sent, body: text, signal });
  } catch (error) {
    throw brokenOff(error, signal);
  }
}

/**
 * A path of the OpenAPI document with its parameters filled in.
 *
 * @param {string} path
 * @param {Record<string, string | number>} [params]
 */
const withParams = (path, params = {}) => path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(params[name]));

/**
 * The error of a request that broke off. A caller that aborted the request gets its own reason back.
 *
 * @param {unknown} error
 * @param {AbortSignal} [signal]
 */
function brokenOff(error, signal) {
  if (error instanceof Error && error.name === "TimeoutError") return away("It didn't answer in time.");
  if (signal?.aborted) return error;
  return away("It can't be reached.");
}

/** @param {string} detail */
function away(detail) {
  return new ApiError({ status: 0, title: "The API is away", detail });
}

/** @param {Response} response */
async function problemOf(response) {
  const text = await response.text().catch(() => "");
  const problem = readProblem(text) ?? { title: response.statusText || "Something went wrong", detail: text.slice(0, 300) };
  const after = Number.parseFloat(response.headers.get("Retry-After") ?? "");
  return new ApiError({ ...problem, status: response.status }, Number.isFinite(after) ? after : null);
}

/** @param {string} text */
function readProblem(text) {
  try {
    const found = JSON.parse(text);
    return typeof found?.title === "string" ? found : null;
  } catch {
    return null; // a proxy between the page and the API answered in a format of its own
  }
}
