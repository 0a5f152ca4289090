// A question and its answer as it comes about: draft, checked sentences, then the whole, or a refusal.

import { MARKS, noteElement, passageElement, sentenceElement, verdictsByNote } from "./footnotes.js";
import { say, shown, translate } from "./texts.js";

/** The answer to one question, on top of those before it. */
export class AnswerView {
  constructor(question) {
    this.element = document.getElementById("turn").content.firstElementChild.cloneNode(true);
    this.element.setAttribute("aria-label", question);
    translate(this.element);
    this.part("asked").textContent = question;
    document.getElementById("welcome").hidden = true;
    document.getElementById("turns").prepend(this.element);
    this.restart();
  }

  /** What was shown so far is void. */
  restart() {
    this.draft = [];  // characters: offsets count code points, JavaScript counts UTF-16 units
    this.settled = 0;
    this.sentences = [];
    this.citations = new Map();
    for (const name of ["sentences", "draft", "notes"]) this.part(name).replaceChildren();
    this.part("notes-section").hidden = true;
  }

  /** The next piece of the draft. */
  addToken({ text, restart }) {
    if (restart) this.restart();
    for (const character of text) this.draft.push(character);
    this.showDraft();
  }

  /** A footnote; the sentences that rest on it come after it. */
  addCitation(citation) {
    this.citations.set(citation.n, citation);
    this.part("notes").append(noteElement(citation));
    this.part("notes-section").hidden = false;
  }

  /** A checked sentence takes the place of its draft. */
  addSentence(sentence) {
    const gap = this.draft.slice(this.settled, sentence.start).join("");
    this.part("sentences").append(gap || (this.sentences.length ? " " : ""), sentenceElement(sentence, this.citations));
    this.sentences.push(sentence);
    this.settled = Math.max(this.settled, sentence.end);
    this.showDraft();
  }

  /** The finished answer supersedes what was shown. */
  finish(answer) {
    this.show("searched", answer.standalone_question && say("searched", { question: answer.standalone_question }));
    if (answer.status === "refused") {
      this.restart();
      this.refuse(answer);
      return;
    }
    if (JSON.stringify(this.sentences) !== JSON.stringify(answer.sentences)) {
      this.restart();
      for (const citation of answer.citations) this.citations.set(citation.n, citation);
      this.write(Array.from(answer.text), answer.sentences);
    }
    this.part("draft").replaceChildren();
    const verdicts = verdictsByNote(answer.sentences);
    const verdictOf = (citation) => verdicts.get(citation.n) ?? "not_checkable";
    this.list("notes", answer.citations.map((citation) => noteElement(citation, verdictOf(citation))));
    this.show("notice", noticeOf(answer));
    this.show("summary", summaryOf(answer));
  }

  /** An answer of earlier on: its text and footnotes are known, its verdicts aren't any more. */
  recall(turn) {
    this.show("searched", turn.standalone_question && say("searched", { question: turn.standalone_question }));
    if (turn.status === "refused") {
      this.show("refusal", turn.text);
      return;
    }
    this.part("sentences").append(turn.text);
    this.list("notes", turn.citations.map((citation) => noteElement(citation)));
  }

  write(characters, sentences) {
    let position = 0;
    const pieces = [];
    for (const sentence of sentences) {
      pieces.push(characters.slice(position, sentence.start).join(""), sentenceElement(sentence, this.citations));
      position = sentence.end;
    }
    this.part("sentences").append(...pieces, characters.slice(position).join(""));
  }

  refuse(answer) {
    this.show("refusal", answer.reason ?? say("noAnswer"));
    this.list("nearest", answer.passages.slice(0, 3).map(passageElement));
  }

  showDraft() {
    this.part("draft").textContent = this.draft.slice(this.settled).join("");
  }

  show(name, text) {
    this.part(name).textContent = text || "";
    this.part(name).hidden = !text;
  }

  list(name, items) {
    this.part(name).replaceChildren(...items);
    this.part(`${name}-section`).hidden = items.length === 0;
  }

  part(name) {
    return this.element.querySelector(`.${name}`);
  }
}

function noticeOf(answer) {
  if (answer.status === "unverified") return `${say("unverified")}: ${answer.reason ?? ""}`;
  if (answer.failed_llms?.length) {
    return answer.reason ?? say("degraded", { failed: answer.failed_llms.join(", "), llm: answer.llm });
  }
  return "";
}

function summaryOf(answer) {
  if (answer.grounding.score === null) return "";
  const counts = ["supported", "unsupported", "contradicted"]
    .filter((verdict) => answer.grounding[verdict] > 0)
    .map((verdict) => `${MARKS[verdict]} ${answer.grounding[verdict]} ${say(`${verdict}_count`)}`);
  if (answer.dropped_sentences) counts.push(say("removed", { n: answer.dropped_sentences }));
  return say("summary", {
    counts: counts.join(", "),
    score: shown(answer.grounding.score, 2),
    llm: answer.llm,
    seconds: shown((answer.timings_ms.total ?? 0) / 1000, 1),
  });
}
