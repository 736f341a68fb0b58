// A button on each block of code that copies it: of a session in a terminal what is typed, of a change what it leads to. Without
// JavaScript there is none.
"use strict";

function typed(lines) { // what stands behind "$", with the lines that go on behind a backslash
  let goes_on = false;
  return lines.filter((line) => {
    const is_typed = goes_on || line.startsWith("$ ");
    goes_on = is_typed && line.endsWith("\\");
    return is_typed;
  }).map((line) => line.replace(/^\$ /, ""));
}

function changed(lines) { return lines.filter((line) => !line.startsWith("-")).map((line) => line.replace(/^[+ ]/, "")); }

function text_of(code) {
  const text = code.textContent.replace(/\n$/, ""), lines = text.split("\n");
  if (code.classList.contains("console")) return typed(lines).join("\n");
  if (code.classList.contains("diff")) return changed(lines).join("\n");
  return text;
}

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text); // https and localhost
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("not copied");
}

for (const code of document.querySelectorAll("main pre > code")) {
  const button = document.createElement("button"), box = document.createElement("div");
  button.className = "copy";
  button.type = "button";
  button.textContent = "Copy";
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", async () => {
    button.textContent = await copy(text_of(code)).then(() => "Copied", () => "Not copied");
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  box.className = "code";
  code.parentElement.replaceWith(box);
  box.append(code.parentElement, button);
}
