// The page: wires the question form, the choosers, the conversation and the library together.

import { AnswerView } from "./answer.js";
import { conversationId, current, forget, recall, remember } from "./conversation.js";
import { onProblem } from "./footnotes.js";
import { showLibrary, startLibrary } from "./library.js";
import { Problem, events, read } from "./server.js";
import { say, translate } from "./texts.js";

const byId = (id) => document.getElementById(id);
let asking = null;

document.documentElement.lang = say("language");
translate(document);
onProblem(showProblem);
startLibrary({ onProblem: showProblem, onChange: loadCollections });
byId("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  ask().catch(showProblem);
});
byId("question").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    byId("ask").requestSubmit();
  }
});
byId("stop").addEventListener("click", () => asking?.abort());
byId("fresh").addEventListener("click", startAfresh);
byId("collection").addEventListener("change", () => showChosen().catch(showProblem));
const started = start().catch(showProblem);

async function start() {
  await loadCollections();
  await loadLlms();
  await recall();
  byId("fresh").hidden = !current();
}

async function loadCollections() {
  const { items } = await read("/v1/collections");
  const select = byId("collection");
  const before = select.value || current()?.collection;
  select.replaceChildren(...items.map((collection) => {
    const option = optionOf(collection.name, collection.name);
    option.dataset.documents = String(collection.documents);
    return option;
  }));
  select.disabled = items.length === 0;
  if (items.some((collection) => collection.name === before)) select.value = before;
  await showChosen();
}

async function loadLlms() {
  const { items } = await read("/v1/llms");
  byId("llm").replaceChildren(...items.map((llm) => {
    const option = optionOf(llm.name, llm.name === "extractive" ? say("extractive") : llm.name);
    option.defaultSelected = llm.default;
    return option;
  }));
  byId("llm-chooser").hidden = items.length < 2;
}

function optionOf(value, text) {
  const option = document.createElement("option");
  option.value = value;
  option.textContent = text;
  return option;
}

async function showChosen() {
  const option = byId("collection").selectedOptions[0];
  await showLibrary(option?.value ?? "", Number(option?.dataset.documents ?? 0));
  byId("status").textContent = option ? "" : say("noCollection");
}

async function ask() {
  const question = byId("question").value.trim();
  if (!question) return;
  byId("question").value = "";
  await started;
  asking?.abort();
  const mine = asking = new AbortController();
  const collection = byId("collection").value;
  const json = { question, stream: true, conversation_id: conversationId(collection) };
  if (json.conversation_id === "new") byId("turns").replaceChildren();
  if (collection) json.collection = collection;
  const llm = byId("llm").selectedOptions[0];
  if (llm && !llm.defaultSelected) json.llm = llm.value;
  byId("problem").hidden = true;
  waiting(true);
  try {
    const stream = events("/v1/ask", { method: "POST", json, signal: mine.signal });
    await follow(stream, new AnswerView(question), collection);
  } catch (error) {
    if (error.name !== "AbortError") {
      byId("question").value ||= question;
      throw error;
    }
    if (asking === mine) byId("status").textContent = say("stopped");
  } finally {
    if (asking === mine) waiting(false);
  }
}

async function follow(stream, view, collection) {
  byId("status").textContent = say("searching");
  for await (const { name, data } of stream) {
    if (name === "retrieval") byId("status").textContent = say("writing");
    if (name === "token") view.addToken(data);
    if (name === "citation") view.addCitation(data);
    if (name === "grounding") view.addSentence(data);
    if (name === "error") throw new Problem(data.code, data.detail);
    if (name === "done") {
      view.finish(data);
      remember(data.conversation_id, collection);
      byId("status").textContent = say(data.status);
    }
  }
}

/** While an answer is written, it can be stopped. */
function waiting(isWaiting) {
  const focused = document.activeElement;
  byId("stop").hidden = !isWaiting;
  byId("send").hidden = isWaiting;
  byId("fresh").hidden = byId("turns").childElementCount === 0 && !isWaiting;
  if (focused === byId("send")) byId("stop").focus();
  if (focused === byId("stop")) byId("question").focus();
}

function startAfresh() {
  asking?.abort();
  forget();
  byId("turns").replaceChildren();
  byId("fresh").hidden = true;
  byId("problem").hidden = true;
  byId("status").textContent = "";
  byId("welcome").hidden = false;
  byId("question").focus();
}

function showProblem(error) {
  byId("status").textContent = "";
  byId("problem").textContent = error instanceof Problem ? error.sentence : String(error);
  byId("problem").hidden = false;
  if (!(error instanceof Problem)) console.error(error);
}
