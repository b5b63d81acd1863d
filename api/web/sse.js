/** Server-Sent Events as the HTML standard parses them, from text that comes in pieces. Pure. */

/**
 * @typedef {object} Message
 * @property {string} type
 * @property {string} data
 */

export class SseParser {
  /** The id to go on after, null before the first. @type {string | null} */
  lastId = null;
  /** The wait before the next connection, as the server requests it. @type {number | null} */
  retryMs = null;

  #rest = "";
  #type = "";
  /** @type {string[]} */
  #data = [];

  /**
   * @param {string} text what came next
   * @returns {Message[]} the events that are whole now
   */
  push(text) {
    const whole = this.#rest + text;
    const end = whole.endsWith("\r") ? whole.length - 1 : whole.length; // its "\n" may still come
    const lines = whole.slice(0, end).split(/\r\n|\n|\r/);
    this.#rest = lines.pop() + whole.slice(end);
    return lines.map((line) => this.#line(line)).filter((message) => message !== null);
  }

  /** @param {string} line @returns {Message | null} */
  #line(line) {
    if (line === "") return this.#end();
    const [, name, value] = /** @type {RegExpExecArray} */ (/^([^:]*):? ?(.*)$/s.exec(line));
    if (name === "data") this.#data.push(value);
    else if (name === "event") this.#type = value;
    else if (name === "id" && !value.includes("\0")) this.lastId = value;
    else if (name === "retry" && /^\d+$/.test(value)) this.retryMs = Number(value);
    return null;
  }

  #end() {
    const message = this.#data.length ? { type: this.#type || "message", data: this.#data.join("\n") } : null;
    this.#type = "";
    this.#data = [];
    return message;
  }
}
