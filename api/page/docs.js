// The API reference, drawn from /openapi.json without any network.

const schema = await (await fetch("/openapi.json")).json();
document.getElementById("description").textContent = `${schema.info.description} Version ${schema.info.version}.`;

const byTag = new Map();
for (const [path, operations] of Object.entries(schema.paths)) {
  for (const [method, operation] of Object.entries(operations)) {
    const tag = operation.tags?.[0] ?? "other";
    byTag.set(tag, [...(byTag.get(tag) ?? []), { path, method, operation }]);
  }
}
for (const [tag, operations] of byTag) {
  const section = element("section", element("h2", tag));
  section.append(...operations.map(describe));
  document.getElementById("operations").append(section);
}

function element(name, ...children) {
  const made = document.createElement(name);
  made.append(...children);
  return made;
}

function describe({ path, method, operation }) {
  const verb = element("code", method.toUpperCase());
  verb.className = "method";
  const summary = element("summary", verb, element("code", path), element("span", operation.summary ?? ""));
  const body = element("div", element("p", operation.description ?? ""));
  for (const parameter of operation.parameters ?? []) {
    const text = `${parameter.name} (${parameter.in}) ${parameter.description ?? ""}`;
    body.append(element("p", element("code", text)));
  }
  for (const [type, content] of Object.entries(operation.requestBody?.content ?? {})) {
    body.append(element("h4", `Request · ${type}`), shape(content.schema));
  }
  for (const [status, response] of Object.entries(operation.responses)) {
    body.append(element("h4", `${status} · ${response.description}`));
    for (const [type, content] of Object.entries(response.content ?? {})) {
      if (type !== "application/problem+json") body.append(shape(content.schema));
    }
  }
  return element("details", summary, body);
}

function shape(part) {
  return element("pre", JSON.stringify(resolve(part, 0), null, 2));
}

function resolve(part, depth) {
  if (part.$ref) {
    const name = part.$ref.split("/").pop();
    return depth > 3 ? name : resolve(schema.components.schemas[name], depth);
  }
  if (part.anyOf) return part.anyOf.filter((one) => one.type !== "null").map((one) => resolve(one, depth))[0];
  if (part.type === "array") return [resolve(part.items ?? {}, depth + 1)];
  if (!part.properties) return [part.type ?? "any", part.enum?.join("|"), part.description].filter(Boolean).join(" · ");
  return Object.fromEntries(Object.entries(part.properties).map(([name, value]) => {
    const inner = resolve(value, depth + 1);
    const described = typeof inner === "string" && value.description && !inner.includes(value.description);
    return [name, described ? `${inner} · ${value.description}` : inner];
  }));
}
