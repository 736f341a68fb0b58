// Live reload: follows the events of `rille dev`. Development only; `rille serve` never sends a page that names this file.
(() => {
  const generation = new URL(document.currentScript.src).searchParams.get("v");
  const root = document.documentElement;

  const follow = () => {
    const method = root.dataset.rilleMethod;
    if (!method || method === "GET" || method === "HEAD") { location.reload(); return; }
    const state = document.querySelector(".state"); // sending a form twice is for people to decide
    if (state) state.innerHTML = 'The code has changed. <a href="">Open this page anew</a>';
  };

  const swapStyles = () => {
    for (const old of document.querySelectorAll('link[rel~="stylesheet"]')) {
      const url = new URL(old.href);
      if (url.origin !== location.origin) continue;
      url.searchParams.set("_rille", Date.now());
      const fresh = old.cloneNode();
      fresh.href = url;
      fresh.onload = fresh.onerror = () => old.remove();
      old.after(fresh);
    }
  };

  const connect = () => {
    const events = new EventSource("/_rille/events");
    events.addEventListener("generation", (event) => { if (event.data !== generation) { events.close(); follow(); } });
    events.addEventListener("page", () => { events.close(); follow(); });
    events.addEventListener("css", swapStyles);
    addEventListener("pagehide", () => events.close());
  };

  const copy = async (button) => {
    const text = document.getElementById("rille-text").textContent;
    try { await navigator.clipboard.writeText(text); } catch {
      const area = document.createElement("textarea"); // without https there is no clipboard
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    button.textContent = "Copied";
  };

  if (!root.dataset.rilleStill) connect();
  document.querySelector("[data-rille-copy]")?.addEventListener("click", (event) => copy(event.target));
})();
