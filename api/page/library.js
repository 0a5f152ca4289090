// The documents of a collection: list, upload with progress, removal.

import { call, events, read } from "./server.js";
import { openSource } from "./source.js";
import { say, shown } from "./texts.js";

const byId = (id) => document.getElementById(id);
const PAGE = 50;
let cursor = null;
let chosen = "";
let report = () => {};
let changed = () => {};

/** Start the library; `onProblem` hears of failures, `onChange` of new or removed documents. */
export function startLibrary({ onProblem, onChange }) {
  report = onProblem;
  changed = onChange;
  byId("more").addEventListener("click", () => showMore().catch(report));
  byId("files").addEventListener("change", () => upload(byId("files").files).catch(report));
  const drop = byId("drop");
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    upload(event.dataTransfer.files).catch(report);
  });
}

/** Show the documents of a collection; an empty name: there is none yet. */
export async function showLibrary(collection, documents) {
  chosen = collection;
  cursor = null;
  byId("documents").replaceChildren();
  byId("count").textContent = collection ? shown(documents) : "";
  byId("more").hidden = true;
  if (collection && documents > 0) await showMore();
  else byId("documents").append(line(say("empty")));
}

async function showMore() {
  const query = new URLSearchParams({ collection: chosen, limit: String(PAGE) });
  if (cursor) query.set("cursor", cursor);
  const page = await read(`/v1/documents?${query}`);
  cursor = page.next_cursor;
  byId("documents").append(...page.items.map(documentItem));
  byId("more").hidden = cursor === null;
}

function line(text) {
  const item = document.createElement("li");
  item.textContent = text;
  return item;
}

function documentItem(entry) {
  const item = document.createElement("li");
  const open = document.createElement("button");
  open.type = "button";
  open.className = "open";
  open.textContent = entry.title;
  open.addEventListener("click", () => openSource({ document_id: entry.id }).catch(report));
  const facts = document.createElement("span");
  facts.className = "place";
  facts.textContent = `${entry.path} · ${say("chunks", { n: shown(entry.chunks) })}`;
  const remove = document.createElement("button");
  remove.type = "button";
  remove.className = "quiet remove";
  remove.textContent = "✕";
  remove.setAttribute("aria-label", say("remove", { title: entry.title }));
  remove.addEventListener("click", () => removeDocument(entry).catch(report));
  item.append(open, facts, remove);
  return item;
}

async function removeDocument(entry) {
  if (!window.confirm(say("confirmRemove", { title: entry.title }))) return;
  await call(`/v1/documents/${encodeURIComponent(entry.id)}`, { method: "DELETE" });
  await changed();
}

async function upload(files) {
  if (!files.length) return;
  const form = new FormData();
  if (chosen) form.set("collection", chosen);
  for (const file of files) form.append("files", file);
  byId("job").hidden = false;
  byId("failures").replaceChildren();
  byId("bar").hidden = false;
  byId("bar").removeAttribute("value");
  byId("job-text").textContent = say("sending", { n: files.length });
  try {
    const job = await read("/v1/ingestions", { method: "POST", form });
    for await (const event of events(`/v1/jobs/${encodeURIComponent(job.id)}/events`)) showJob(event.data);
    await changed();
  } catch (error) {
    byId("job").hidden = true;
    throw error;
  } finally {
    byId("upload").reset();
  }
}

function showJob(job) {
  const total = job.counts.files_total ?? 0;
  const done = job.counts.files_done ?? 0;
  if (total > 0) {
    byId("bar").max = total;
    byId("bar").value = done;
  }
  byId("job-text").textContent = jobText(job, done, total);
  byId("bar").hidden = job.state !== "running" && job.state !== "queued";
  const failures = job.result?.failures ?? [];
  byId("failures").replaceChildren(...failures.map((failure) => line(`${failure.path}: ${failure.message}`)));
}

function jobText(job, done, total) {
  if (job.state === "failed") return say("jobFailed", { why: job.error?.message ?? "" });
  if (job.state === "cancelled") return say("cancelled");
  if (job.state !== "committed") return say("stage", { stage: job.stage || job.state, done, total });
  const stored = (job.result?.added ?? 0) + (job.result?.modified ?? 0);
  return stored ? say("ingested", { n: shown(stored) }) : say("nothingNew");
}
