// The page: wires the question form, the collection chooser and the library together.

import { addSentence, addToken, begin, finish, onProblem } from "./answer.js";
import { showLibrary, startLibrary } from "./library.js";
import { Problem, events, read } from "./server.js";
import { say, translatePage } from "./texts.js";

const byId = (id) => document.getElementById(id);
let asking = null;

translatePage();
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
byId("collection").addEventListener("change", () => showChosen().catch(showProblem));
loadCollections().catch(showProblem);

async function loadCollections() {
  const { items } = await read("/v1/collections");
  const select = byId("collection");
  const before = select.value;
  select.replaceChildren(...items.map((collection) => {
    const option = document.createElement("option");
    option.value = collection.name;
    option.textContent = collection.name;
    option.dataset.documents = String(collection.documents);
    return option;
  }));
  select.disabled = items.length === 0;
  if (items.some((collection) => collection.name === before)) select.value = before;
  await showChosen();
}

async function showChosen() {
  const option = byId("collection").selectedOptions[0];
  await showLibrary(option?.value ?? "", Number(option?.dataset.documents ?? 0));
  byId("status").textContent = option ? "" : say("noCollection");
}

async function ask() {
  const question = byId("question").value.trim();
  if (!question) return;
  asking?.abort();
  const current = asking = new AbortController();
  byId("problem").hidden = true;
  byId("status").textContent = say("searching");
  begin(question);
  const json = { question, stream: true };
  if (byId("collection").value) json.collection = byId("collection").value;
  try {
    for await (const event of events("/v1/ask", { method: "POST", json, signal: current.signal })) show(event);
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  }
}

function show({ name, data }) {
  if (name === "retrieval") byId("status").textContent = say("writing");
  if (name === "token") addToken(data.text);
  if (name === "grounding") {
    byId("status").textContent = say("checking");
    addSentence(data);
  }
  if (name === "done") {
    finish(data);
    byId("status").textContent = say(data.status);
  }
  if (name === "error") throw new Problem(data.code, data.detail);
}

function showProblem(error) {
  byId("status").textContent = "";
  byId("problem").textContent = error instanceof Problem ? error.sentence : String(error);
  byId("problem").hidden = false;
  if (!(error instanceof Problem)) console.error(error);
}
