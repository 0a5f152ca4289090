// What an answer is made of: sentences with their verdicts, numbered footnotes, passages.

import { openSource, placeOf } from "./source.js";
import { say } from "./texts.js";

export const MARKS = { supported: "✓", unsupported: "?", contradicted: "✗", not_checkable: "·" };
const WORST_FIRST = ["contradicted", "unsupported", "supported", "not_checkable"];
const SNIPPET = 260;
let report = () => {};

/** Tell whom to report a source that cannot be opened. */
export function onProblem(listener) {
  report = listener;
}

/** A checked sentence; its footnotes open their sources, as far as `citations` (by number) knows them. */
export function sentenceElement(sentence, citations) {
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

/** A footnote of the list below an answer; `verdict` is the worst of the sentences that rest on it. */
export function noteElement(citation, verdict) {
  const item = sourceItem(citation, citation.quote);
  item.value = citation.n;
  if (verdict) item.querySelector(".open").prepend(verdictMark(verdict));
  return item;
}

/** A passage that was found, without an answer. */
export function passageElement(passage) {
  return sourceItem(passage, passage.text);
}

/** The worst verdict of the sentences that rest on each footnote, by its number. */
export function verdictsByNote(sentences) {
  const found = new Map();
  for (const { citations, verdict } of sentences) {
    for (const number of citations) {
      const before = found.get(number);
      if (!before || WORST_FIRST.indexOf(verdict) < WORST_FIRST.indexOf(before)) found.set(number, verdict);
    }
  }
  return found;
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
