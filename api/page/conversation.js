// The conversation that questions are asked in, known until the tab is closed, and its earlier turns.

import { AnswerView } from "./answer.js";
import { read } from "./server.js";

const STORED = "footnote-conversation";
const NEW = "new";
const PAGE = 100;

/** The conversation of this tab: its id and collection, or null. */
export function current() {
  return JSON.parse(sessionStorage.getItem(STORED));
}

/** What a question names as its conversation. */
export function conversationId(collection) {
  const known = current();
  return known?.collection === collection ? known.id : NEW;
}

/** Remember where an answer is kept; a server that keeps none names no conversation. */
export function remember(id, collection) {
  if (id) sessionStorage.setItem(STORED, JSON.stringify({ id, collection }));
  else forget();
}

/** The next question begins another conversation. */
export function forget() {
  sessionStorage.removeItem(STORED);
}

/** Show the turns of this tab's conversation, if the server still has it. */
export async function recall() {
  const known = current();
  if (!known) return;
  let cursor = "";
  try {
    do {
      const query = new URLSearchParams({ limit: String(PAGE), ...(cursor && { cursor }) });
      const page = await read(`/v1/conversations/${encodeURIComponent(known.id)}?${query}`);
      for (const turn of page.turns) new AnswerView(turn.question).recall(turn);
      cursor = page.next_cursor;
    } while (cursor);
  } catch (error) {
    if (error.code !== "conversation_not_found") throw error;
    forget();
  }
}
