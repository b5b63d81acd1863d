/** What a reviewer does, by key or by hand, and the words for those who can't see what came of it. */
import { announce, showToast as toast } from "../../toasts.js";
import { queue } from "./queue.js";
import { answer, cantTell, session, skip, undo } from "./session.js";

/**
 * @param {{act: string, label?: string}} asked
 * @param {import("./queue.js").Item | null} item the one that is shown
 * @returns {boolean} whether anything was done
 */
export function perform({ act, label }, item) {
  if (act === "undo") return takeBack();
  if (act === "find") return find();
  if (item === null) return false;
  if (act === "label") return say(label);
  if (act === "confirm") return item.answer ? say(item.answer.label) : keptBack();
  if (act === "skip") return put(skip, queue.get().items.length > 1 ? "Later" : "Nothing else waits: it is the same record");
  return put(cantTell, "Left to others");
}

function say(label) {
  return put(() => answer(label), `Said ${label}`);
}

function put(act, words) {
  act();
  announce(words);
  return true;
}

function keptBack() {
  toast("The model's answer is kept back: say a label");
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
