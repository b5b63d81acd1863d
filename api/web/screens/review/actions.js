/** The reviewer's actions, by key or by button, each with its announcement for screen readers. */
import { announce, showToast } from "../../toasts.js";
import { queue } from "./queue.js";
import { answer, cantTell, session, skip, undo } from "./session.js";

/**
 * @param {import("./keys.js").Action} action
 * @param {import("./queue.js").Item | null} item the item that is shown
 * @returns {boolean} whether anything was done
 */
export function perform(action, item) {
  const { act } = action;
  if (act === "undo") return takeBack();
  if (act === "find") return find();
  if (item === null) return false;
  if (action.act === "label") return submit(action.label);
  if (act === "confirm") return item.answer ? submit(item.answer.label) : hidden();
  if (act === "skip") return put(skip, queue.get().items.length > 1 ? "Later" : "Nothing else waits: it is the same record");
  return put(cantTell, "Left to others");
}

/** @param {string} label */
function submit(label) {
  return put(() => answer(label), `Said ${label}`);
}

/** @param {() => void} act @param {string} words */
function put(act, words) {
  act();
  announce(words);
  return true;
}

function hidden() {
  showToast("The model's answer is kept back: say a label");
  return true;
}

function takeBack() {
  const last = session.get().answers.length > 0 ? undo() : null;
  announce(last ? "Taken back" : "There is nothing to take back");
  return true;
}

function find() {
  const field = document.getElementById("find-label");
  field?.focus();
  return field !== null;
}
