// The panel at /_rille: asks for the state once a second and draws it. Text enters the page as text nodes only.
(() => {
  const view = document.getElementById("view");
  const kinds = [["queue", "Queue"], ["lua", "Lua"], ["query", "SQL"], ["wait", "Waits"], ["write", "Write"]];
  let tab = location.hash.slice(1) || "requests", chosen = null, shown = "";

  const make = (name, attributes, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {}))
      key === "on" ? element.addEventListener("click", value) : element.setAttribute(key, value);
    element.append(...children.filter((child) => child !== null && child !== undefined).map((c) => (c instanceof Node ? c : String(c))));
    return element;
  };
  const table = (heads, rows, attributes) => make("section", {}, make("table", attributes,
    make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", {}, head)))), make("tbody", {}, ...rows)));
  const cells = (...values) => values.map((value) => make("td", {}, value ?? ""));
  const source = (where) => {
    const [, file, line] = /^(.*):(\d+)$/.exec(where || "") || [];
    return file ? make("a", { href: `/_rille/source?file=${encodeURIComponent(file)}&line=${line}#at` }, where) : where || "";
  };
  const ms = (seconds) => `${(seconds * 1000).toFixed(2)} ms`;
  const sum = (list) => (list || []).reduce((all, item) => all + ((item.to ?? item.from) - item.from), 0);

  // Where the time went: what Lua did not wait for is Lua's own.
  const timeline = (request) => {
    const total = Math.max(request.ms / 1000, (request.to - request.from) || 0);
    const inside = (request.to - request.from) || 0;
    const query = sum(request.sql);
    const wait = sum((request.waits || []).filter((item) => !/^(db|tx):|quer|transaction|commit/.test(item.name)));
    const write = Math.max(0, (request.ended - request.to) || 0);
    return { queue: Math.max(0, total - inside - write), lua: Math.max(0, inside - query - wait), query, wait, write };
  };
  const bar = (request) => {
    const parts = timeline(request);
    const strip = make("div", { class: "bar", role: "img", "aria-label": "where the time went" });
    for (const [kind] of kinds) {
      if (!parts[kind]) continue;
      const piece = make("i", { class: kind });
      piece.style.flexGrow = parts[kind] * 1e6;
      strip.append(piece);
    }
    const key = make("ul", { class: "key" }, ...kinds.map(([kind, name]) => make("li", {}, make("i", { class: kind }), `${name} ${ms(parts[kind])}`)));
    return make("section", {}, make("h2", {}, "Timeline ", make("small", {}, `${request.ms} ms`)), strip, key);
  };
  const fields = (title, list) => list && list.length ? make("section", {}, make("h2", {}, title),
    make("table", {}, ...list.map(([name, value]) => make("tr", {}, make("th", {}, name), make("td", {}, value))))) : null;
  const timed = (title, list, name) => list && list.length ? make("section", {}, make("h2", {}, title, " ", make("small", {}, `${list.length}`)),
    make("table", {}, ...list.map((item) => make("tr", item.error ? { class: "bad" } : {}, make("td", { class: "ms" }, ms((item.to ?? item.from) - item.from)),
      make("td", {}, make("code", {}, item[name]), " ", make("small", {}, source(item.at), item.error ? ` ${item.error}` : "")))))) : null;

  // As in the terminal: what goes over several lines stands below.
  const logLine = (line) => {
    const [below, beside] = [true, false].map((long) => (line.fields || []).filter(([, value]) => value.includes("\n") === long));
    return `${line.level.padEnd(5)} ${[line.message, ...beside.map(([name, value]) => `${name}=${/[\s"]/.test(value) ? JSON.stringify(value) : value}`)].join(" ")}`
      + below.map(([name, value]) => `\n  ${name}:\n    ${value.replaceAll("\n", "\n    ")}`).join("");
  };

  const draw = (...nodes) => view.replaceChildren(...nodes.filter(Boolean));

  const drawRequest = async (id) => {
    const response = await fetch(`/_rille/requests/${encodeURIComponent(id)}`);
    if (!response.ok) { chosen = null; return; }
    const request = await response.json();
    draw(make("p", {}, make("button", { type: "button", on: () => { chosen = null; shown = ""; refresh(); } }, "← All requests")),
      make("h1", {}, make("span", { class: `s${String(request.status)[0]}` }, request.status), ` ${request.method} ${request.target}`),
      request.failure ? make("section", {}, make("h2", {}, "Error"), make("pre", {}, request.failure.message), source(`${request.failure.file}:${request.failure.line}`)) : null,
      request.from ? bar(request) : make("p", { class: "dim" }, "Answered in C, without Lua."),
      timed("SQL", request.sql, "sql"), timed("Waits", request.waits, "name"), timed("Templates", request.templates, "name"),
      request.logs && request.logs.length ? make("section", {}, make("h2", {}, "Log"), make("pre", {}, request.logs.map(logLine).join("\n"))) : null,
      fields("Parameters", request.params), fields("Session", request.session), fields("Request headers", request.headers), fields("Response headers", request.response_headers));
  };

  const views = {
    requests: (state) => table(["Status", "Request", "Time", "SQL"], state.requests.map((request) => make("tr",
      { tabindex: "0", on: () => { chosen = request.id; drawRequest(chosen); } },
      make("td", { class: `s${String(request.status)[0]}` }, request.status || "gone"),
      make("td", {}, `${request.method} ${request.target}`), make("td", {}, `${request.ms} ms`), make("td", {}, request.sql || ""))), { class: "list" }),
    routes: (state) => table(["Method", "Path", "Name", "Where"], state.routes.map((route) => make("tr", {}, ...cells(route.method, route.path, route.name, source(route.where))))),
    tasks: (state) => table(["Task", "Spawned", "Waits for", "Since"], state.tasks.map((task) => make("tr", {},
      ...cells(`#${task.id}${task.parent ? ` of #${task.parent}` : ""}`, source(task.spawned), task.waits, task.waits ? `${task.seconds.toFixed(1)} s` : "runs")))),
    memory: (state) => {
      const samples = state.memory, most = Math.max(1, ...samples);
      const points = samples.map((value, i) => `${i ? "L" : "M"}${(i / Math.max(1, samples.length - 1)) * 100} ${40 - (value / most) * 38}`).join("");
      const chart = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      chart.setAttribute("viewBox", "0 0 100 40");
      chart.setAttribute("preserveAspectRatio", "none");
      const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
      line.setAttribute("d", points || "M0 40");
      chart.append(line);
      const now = samples.length ? samples[samples.length - 1] : 0;
      return make("section", {}, make("h2", {}, "Lua memory ", make("small", {},
        `${(now / 1024 / 1024).toFixed(2)} MiB now, ${(most / 1024 / 1024).toFixed(2)} MiB at most, the last ${samples.length * 2} s · edition ${state.edition}, ${state.states} states alive`)), chart);
    },
  };

  const refresh = async () => {
    for (const button of document.querySelectorAll("[data-tab]")) button.setAttribute("aria-selected", button.dataset.tab === tab);
    if (chosen) return;
    const response = await fetch("/_rille/state").catch(() => null);
    if (!response || !response.ok || chosen) return;
    const state = await response.json();
    const text = JSON.stringify([tab, state[tab]]);
    if (text === shown) return; // what is drawn can be read, and selected, until it changes
    shown = text;
    draw(state.failure ? make("section", { class: "s5" }, `The program does not load: ${state.failure}`) : null, views[tab](state));
  };

  for (const button of document.querySelectorAll("[data-tab]"))
    button.addEventListener("click", () => { tab = button.dataset.tab; location.hash = tab; chosen = null; shown = ""; refresh(); });
  view.addEventListener("keydown", (event) => { if (event.key === "Enter") event.target.click(); });
  refresh();
  setInterval(refresh, 1000);
})();
