// Search over search.json, a list of sections: every word must be there; a word in the heading counts more than one in the
// page's title, and that more than one in the text. Also the menu of a phone.
"use strict";
const root = document.currentScript.dataset.root;
const input = document.querySelector(".search input");
const list = document.querySelector(".search ol");
let sections, chosen = -1;

async function load() {
  sections ??= fetch(root + "search.json").then((res) => res.json());
  return sections;
}

function score(section, words) {
  const heading = section.heading.toLowerCase(), page = section.page.toLowerCase(), text = section.text.toLowerCase();
  let sum = 0;
  for (const word of words) {
    const points = (heading.includes(word) ? 10 : 0) + (page.includes(word) ? 4 : 0) + (text.includes(word) ? 1 : 0);
    if (!points) return 0;
    sum += points;
  }
  return sum - heading.length / 100;
}

// Text with the words marked; nothing of it is taken for HTML.
function marked(element, text, words) {
  const lower = text.toLowerCase();
  for (let at = 0; at < text.length;) {
    let from = text.length, length = 0;
    for (const word of words) {
      const found = lower.indexOf(word, at);
      if (found >= 0 && found < from) { from = found; length = word.length; }
    }
    element.append(text.slice(at, from));
    if (!length) return;
    const mark = document.createElement("mark");
    mark.textContent = text.slice(from, from + length);
    element.append(mark);
    at = from + length;
  }
}

function around(text, words) {
  const at = Math.min(...words.map((word) => text.toLowerCase().indexOf(word)).filter((i) => i >= 0), text.length);
  return text.slice(Math.max(0, at - 30), at + 90);
}

function show(found, words) {
  list.replaceChildren(...found.map((section) => {
    const item = document.createElement("li"), link = document.createElement("a"), small = document.createElement("small");
    link.href = root + section.url;
    marked(link, section.heading === section.page ? section.page : section.page + " › " + section.heading, words);
    marked(small, around(section.text, words), words);
    link.append(small);
    item.append(link);
    return item;
  }));
  list.hidden = found.length === 0;
  choose(found.length ? 0 : -1);
}

function choose(i) {
  chosen = i;
  [...list.children].forEach((item, k) => item.classList.toggle("on", k === i));
  list.children[i]?.scrollIntoView({ block: "nearest" });
}

input.addEventListener("focus", load);
input.addEventListener("input", async () => {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  const all = await load();
  const found = words.length ? all.map((s) => [score(s, words), s]).filter(([n]) => n > 0).sort((a, b) => b[0] - a[0]) : [];
  show(found.slice(0, 12).map(([, s]) => s), words);
});
input.addEventListener("keydown", (event) => {
  const count = list.children.length;
  if (event.key === "ArrowDown" && count) choose((chosen + 1) % count);
  else if (event.key === "ArrowUp" && count) choose((chosen + count - 1) % count);
  else if (event.key === "Enter") list.children[chosen]?.querySelector("a").click();
  else if (event.key === "Escape") { input.value = ""; show([], []); input.blur(); }
  else return;
  event.preventDefault();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== input) { event.preventDefault(); input.focus(); }
});
document.addEventListener("click", (event) => { if (!event.target.closest(".search")) list.hidden = true; });

const asked = new URLSearchParams(location.search).get("q"); // a link to a search: index.html?q=timeout
if (asked) {
  input.value = asked;
  input.dispatchEvent(new Event("input"));
}

const menu = document.querySelector(".menu"), nav = document.querySelector("nav");
menu.addEventListener("click", () => menu.setAttribute("aria-expanded", nav.classList.toggle("open")));
