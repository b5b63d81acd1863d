/** Saves files from the API under the name that the API gives them. By fetch, since a link can't send the key. */
import { ApiError, openResponse } from "./api.js";

const NAMED = /filename="([^"]+)"/;

/**
 * Save the whole answer to GET `path`.
 *
 * @param {string} path
 * @param {Record<string, string>} query
 * @param {string} otherwise its name, where the API gives none
 * @throws {import("./api.js").ApiError}
 */
export async function download(path, query, otherwise) {
  const response = await openResponse("get", path, { query });
  const name = NAMED.exec(response.headers.get("Content-Disposition") ?? "")?.[1] ?? otherwise;
  const address = URL.createObjectURL(await wholeOf(response));
  const link = Object.assign(document.createElement("a"), { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000); // the browser has read it long before
}

/** The whole body. A response that breaks off is not saved. @param {Response} response */
async function wholeOf(response) {
  try {
    return await response.blob();
  } catch {
    throw new ApiError({ status: 0, title: "The file broke off", detail: "The connection was lost before its end." });
  }
}
