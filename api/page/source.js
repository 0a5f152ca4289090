// The source viewer: a document's stored text, opened at a quote.

import { read } from "./server.js";
import { say } from "./texts.js";

const dialog = document.getElementById("source");
const text = document.getElementById("source-text");

document.getElementById("close").addEventListener("click", () => dialog.close());
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();  // the backdrop
});

/** Show a document; `start` and `end` mark a quote in it, where given. */
export async function openSource({ document_id: id, version, page, heading, start = 0, end = 0 }) {
  const query = version ? `?version=${version}` : "";
  const content = await read(`/v1/documents/${encodeURIComponent(id)}/content${query}`);
  document.getElementById("source-title").textContent = content.title;
  const place = placeOf({ title: content.title, heading, page, source_uri: content.source_uri });
  document.getElementById("source-place").textContent = place;
  const characters = Array.from(content.text);  // offsets count code points, JavaScript counts UTF-16 units
  const mark = draw(characters, content.page_starts, start, end);
  dialog.showModal();
  if (mark) mark.scrollIntoView({ block: "center" });
  else text.scrollTop = 0;
  text.focus({ preventScroll: true });
}

/** Where in a document: heading path, page, source. */
export function placeOf({ title, heading = "", page, source_uri: uri }) {
  const below = heading.startsWith(title) ? heading.slice(title.length).replace(/^ > /, "") : heading;
  return [below, page ? say("page", { n: page }) : "", uri].filter(Boolean).join(" · ");
}

function draw(characters, pageStarts, start, end) {
  text.replaceChildren();
  let mark = null;
  const cuts = [...new Set([0, ...pageStarts, start, end, characters.length])].sort((a, b) => a - b);
  const pageAt = new Map(pageStarts.map((offset, index) => [offset, index + 1]));
  cuts.forEach((from, index) => {
    if (pageAt.has(from)) text.append(pageLabel(pageAt.get(from)));
    const piece = characters.slice(from, cuts[index + 1] ?? characters.length).join("");
    if (!piece) return;
    if (from >= start && from < end) {
      const quoted = document.createElement("mark");
      quoted.textContent = piece;
      text.append(quoted);
      mark ??= quoted;
    } else {
      text.append(piece);
    }
  });
  return mark;
}

function pageLabel(number) {
  const label = document.createElement("span");
  label.className = "page-label";
  label.textContent = say("pages", { n: number });
  return label;
}
