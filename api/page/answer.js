// The answer: sentences with their verdicts and numbered footnotes, or a refusal with the nearest passages.

import { openSource, placeOf } from "./source.js";
import { say, shown } from "./texts.js";

const MARKS = { supported: "✓", unsupported: "?", contradicted: "✗", not_checkable: "·" };
const SNIPPET = 260;
const byId = (id) => document.getElementById(id);
let report = () => {};

/** Tell whom to report a source that cannot be opened. */
export function onProblem(listener) {
  report = listener;
}

/** Make room for the answer to a question. */
export function begin(question) {
  byId("welcome").hidden = true;
  byId("answer").hidden = false;
  byId("asked").textContent = question;
  byId("summary").textContent = "";
  byId("draft").textContent = "";
  for (const id of ["refusal", "draft", "notes-section", "nearest-section"]) byId(id).hidden = true;
  for (const id of ["sentences", "notes", "nearest"]) byId(id).replaceChildren();
}

/** Show the next piece of the unchecked draft. */
export function addToken(piece) {
  const draft = byId("draft");
  draft.hidden = false;
  draft.append(piece);
}

/** Show a checked sentence; the draft gives way to it. */
export function addSentence(sentence) {
  byId("draft").hidden = true;
  byId("sentences").append(sentenceElement(sentence, new Map()), " ");
}

/** Show the finished answer. */
export function finish(answer) {
  byId("draft").hidden = true;
  byId("sentences").replaceChildren();
  if (answer.status === "refused") {
    showRefusal(answer);
    return;
  }
  const citations = new Map(answer.citations.map((citation) => [citation.n, citation]));
  const characters = Array.from(answer.text);
  let position = 0;
  for (const sentence of answer.sentences) {
    byId("sentences").append(characters.slice(position, sentence.start).join(""), sentenceElement(sentence, citations));
    position = sentence.end;
  }
  byId("sentences").append(characters.slice(position).join(""));
  const verdicts = verdictsByNote(answer.sentences);
  byId("notes").replaceChildren(...answer.citations.map((citation) => noteElement(citation, verdicts)));
  byId("notes-section").hidden = answer.citations.length === 0;
  byId("summary").textContent = summaryOf(answer);
}

function showRefusal(answer) {
  byId("refusal").hidden = false;
  byId("refusal").textContent = answer.reason ?? say("noAnswer");
  byId("nearest").replaceChildren(...answer.passages.slice(0, 3).map(passageElement));
  byId("nearest-section").hidden = answer.passages.length === 0;
}

function sentenceElement(sentence, citations) {
  const element = document.createElement("span");
  element.className = `sentence ${sentence.verdict}`;
  const named = new Set();
  for (const [index, piece] of sentence.text.split(/\s*\[(\d+)\]/).entries()) {
    if (index % 2 === 0) {
      element.append(piece);
    } else {
      named.add(Number(piece));
      element.append(noteButton(Number(piece), sentence.verdict, citations));
    }
  }
  for (const number of sentence.citations) {
    if (!named.has(number)) element.append(noteButton(number, sentence.verdict, citations));
  }
  element.append(verdictMark(sentence.verdict));
  return element;
}

function noteButton(number, verdict, citations) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = `note ${verdict}`;
  button.textContent = String(number);
  const citation = citations.get(number);
  button.disabled = !citation;
  if (citation) {
    button.setAttribute("aria-label", say("note", { n: number, title: citation.title, verdict: say(verdict) }));
    button.title = citation.quote;
    button.addEventListener("click", () => open(citation));
  }
  return button;
}

function verdictMark(verdict) {
  const mark = document.createElement("span");
  mark.className = `mark ${verdict}`;
  mark.textContent = MARKS[verdict];
  mark.title = say(verdict);
  mark.setAttribute("role", "img");
  mark.setAttribute("aria-label", say(verdict));
  return mark;
}

function verdictsByNote(sentences) {
  const order = ["contradicted", "unsupported", "supported", "not_checkable"];
  const found = new Map();
  for (const { citations, verdict } of sentences) {
    for (const number of citations) {
      const before = found.get(number);
      if (!before || order.indexOf(verdict) < order.indexOf(before)) found.set(number, verdict);
    }
  }
  return found;
}

function noteElement(citation, verdicts) {
  const item = sourceItem(citation, citation.quote);
  item.value = citation.n;
  item.querySelector(".open").prepend(verdictMark(verdicts.get(citation.n) ?? "not_checkable"));
  return item;
}

function passageElement(passage) {
  return sourceItem(passage, passage.text);
}

function sourceItem(source, quote) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "open";
  button.textContent = source.title;
  button.title = say("openAt");
  button.addEventListener("click", () => open(source));
  const place = document.createElement("span");
  place.className = "place";
  place.textContent = placeOf(source);
  const text = document.createElement("blockquote");
  const lines = quote.replace(/\n{2,}/g, "\n");
  text.textContent = lines.length > SNIPPET ? `${lines.slice(0, SNIPPET)}…` : lines;
  item.append(button, place, text);
  return item;
}

function open(source) {
  openSource(source).catch(report);
}

function summaryOf(answer) {
  const parts = [];
  if (answer.status === "unverified") parts.push(`${say("unverified")}: ${answer.reason ?? ""}`);
  if (answer.grounding.score === null) return parts.join(" ");
  const counts = ["supported", "unsupported", "contradicted"]
    .filter((verdict) => answer.grounding[verdict] > 0)
    .map((verdict) => `${MARKS[verdict]} ${answer.grounding[verdict]} ${say(`${verdict}_count`)}`);
  if (answer.dropped_sentences) counts.push(say("removed", { n: answer.dropped_sentences }));
  parts.push(say("summary", {
    counts: counts.join(", "),
    score: shown(answer.grounding.score, 2),
    llm: answer.llm,
    seconds: shown((answer.timings_ms.total ?? 0) / 1000, 1),
  }));
  return parts.join(" — ");
}
