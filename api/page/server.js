// Calls to the API: JSON, server-sent events, and the key when the server asks for one.

import { say } from "./texts.js";

const KEY = "footnote-key";
const PAUSE_MS = 300;  // before a broken stream is asked for again

/** A failure with the problem object's code and detail. */
export class Problem extends Error {
  constructor(code, detail) {
    super(detail);
    this.code = code;
  }

  /** One sentence for the reader. */
  get sentence() {
    if (this.code === "unreachable" || this.code === "interrupted") return say(this.code);
    return say("failed", { code: this.code, detail: this.message });
  }
}

/** Call the API; asks for the key and tries again when the server wants one. */
export async function call(path, { method = "GET", json, form, accept = "application/json", signal, last } = {}) {
  for (;;) {
    const response = await send(path, { method, json, form, accept, signal, last });
    if (response.ok) return response;
    if (response.status === 401) {
      await askForKey();
      continue;
    }
    throw await problemOf(response);
  }
}

/** The JSON that a call answers. */
export async function read(path, options) {
  return (await call(path, options)).json();
}

/** The events of a streamed call, as {name, data}; a stream that breaks off is taken up again, once. */
export async function* events(path, options) {
  let last;
  for (let tries = 2; tries > 0; tries -= 1) {
    for await (const event of stream(path, options, last)) {
      yield event;
      if (event.name === "done" || event.name === "error") return;
      last = event.id ?? last;
    }
    if (!last) break;  // there is nothing to take up
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  throw new Problem("interrupted", "");
}

async function* stream(path, options, last) {
  const response = await call(path, { ...options, accept: "text/event-stream", last });
  if (!response.body) return;  // there is no more of it
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let buffer = "";
  for (;;) {
    const { value, done } = await chunkOf(reader);
    if (done) return;
    buffer += decoder.decode(value, { stream: true });
    const blocks = buffer.split(/\r?\n\r?\n/);
    buffer = blocks.pop();
    for (const block of blocks) {
      const event = parse(block);
      if (event) yield event;
    }
  }
}

async function chunkOf(reader) {
  try {
    return await reader.read();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return { done: true };  // cut off: whoever reads notices that the end is missing
  }
}

function parse(block) {
  let name = "message";
  let id = null;
  const data = [];
  for (const line of block.split(/\r?\n/)) {
    if (line.startsWith("id:")) id = line.slice(3).trim();
    if (line.startsWith("event:")) name = line.slice(6).trim();
    if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
  }
  return data.length ? { id, name, data: JSON.parse(data.join("\n")) } : null;
}

async function send(path, { method, json, form, accept, signal, last }) {
  const headers = { Accept: accept };
  const key = sessionStorage.getItem(KEY);
  if (key) headers.Authorization = `Bearer ${key}`;
  if (last) headers["Last-Event-ID"] = last;
  if (json) headers["Content-Type"] = "application/json";
  try {
    return await fetch(path, { method, headers, signal, body: json ? JSON.stringify(json) : form });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("unreachable", "");
  }
}

async function problemOf(response) {
  try {
    const body = await response.json();
    return new Problem(body.code, body.detail);
  } catch {
    return new Problem(String(response.status), response.statusText);
  }
}

let waiting = null;

function askForKey() {
  waiting ??= new Promise((resolve) => {
    const dialog = document.getElementById("key-dialog");
    const field = document.getElementById("key");
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.addEventListener("close", () => {
      sessionStorage.setItem(KEY, field.value);
      field.value = "";
      waiting = null;
      resolve();
    }, { once: true });
    dialog.showModal();
  });
  return waiting;
}
