// The panel at /_rille: asks for the state once a second and draws it. Text enters the page as text nodes only.
(() => {
  const view = document.getElementById("view"), filter = document.getElementById("filter");
  const path = document.getElementById("path"), status = document.getElementById("status"), files = document.getElementById("files");
  const { rilleRoot: root, rilleEditor: editor } = document.documentElement.dataset;
  const kinds = [["queue", "Queue"], ["lua", "Lua"], ["query", "SQL"], ["wait", "Waits"], ["write", "Write"]];
  let tab = "requests", chosen = null, shown = "", last = null;

  // ---- elements ----------------------------------------------------------------------------------------------------

  const make = (name, attributes, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {}))
      key === "on" ? element.addEventListener("click", value) : element.setAttribute(key, value);
    element.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== "").map((c) => (c instanceof Node ? c : String(c))));
    return element;
  };
  const section = (title, note, ...children) => make("section", {}, make("h2", {}, title, note ? [" ", make("small", {}, note)] : null), ...children);
  const table = (heads, rows, attributes) => make("section", {}, make("table", attributes,
    make("thead", {}, make("tr", {}, heads.map((head) => make("th", {}, head)))), make("tbody", {}, rows)));
  const cells = (...values) => values.map((value) => make("td", {}, value ?? ""));
  const empty = (text) => make("section", { class: "empty" }, text);

  // In the editor that RILLE_EDITOR names, or here.
  const address = (file, line) => editor
    ? editor.replace(/\{(\w+)\}/g, (whole, name) => ({ path: `${root}/${file}`.split("/").map(encodeURIComponent).join("/"), line, column: 1 })[name] ?? whole)
    : `/_rille/source?file=${encodeURIComponent(file)}&line=${line}#at`;
  const source = (where) => {
    const [, file, line] = /^(.*):(\d+)$/.exec(where || "") || [];
    return file ? make("a", { href: address(file, line) }, where) : where || "";
  };
  const ms = (seconds) => `${(seconds * 1000).toFixed(2)} ms`;
  const sum = (list) => (list || []).reduce((all, item) => all + ((item.to ?? item.from) - item.from), 0);
  const clock = (seconds) => {
    if (!seconds) return "";
    const date = new Date(seconds * 1000);
    return make("time", { title: date.toLocaleString() }, date.toTimeString().slice(0, 8));
  };
  const short = (text) => (text.length > 160 ? `${text.slice(0, 160)}…` : text);
  const badge = (code) => make("span", { class: `badge s${String(code)[0]}` }, code || "gone");

  // ---- one request ----------------------------------------------------------------------------------------------------

  const ofDatabase = /^(db|tx):|quer|transaction|commit/; // waits that stand among SQL

  // Where the time went: what Lua did not wait for is Lua's own.
  const timeline = (request) => {
    const total = Math.max(request.ms / 1000, (request.to - request.from) || 0);
    const inside = (request.to - request.from) || 0;
    const query = Math.min(inside, sum(request.sql));
    const wait = sum((request.waits || []).filter((item) => !ofDatabase.test(item.name)));
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
    return section("Timeline", `${request.ms} ms`, strip,
      make("ul", { class: "key" }, kinds.map(([kind, name]) => make("li", {}, make("i", { class: kind }), `${name} ${ms(parts[kind])}`))));
  };

  // What is a secret is shown to who asks for it.
  const hidden = (value) => make("details", { class: "secret" }, make("summary", {}, "hidden"), value);
  const rows = (list) => make("table", { class: "fields" }, list.map(([name, value, secret]) => make("tr", {}, make("th", {}, name), make("td", {}, secret ? hidden(value) : value))));
  const fields = (title, list) => list && list.length ? section(title, null, rows(list)) : null;
  const folded = (title, list) => list && list.length
    ? make("section", {}, make("details", { class: "fold" }, make("summary", {}, title, " ", make("small", {}, list.length)), rows(list))) : null;
  const timed = (title, list, draw) => list && list.length ? section(title, `${list.length}, ${ms(sum(list))}`,
    make("table", { class: "sql" }, list.map((item) => make("tr", item.error ? { class: "bad" } : {}, make("td", { class: "ms" }, ms((item.to ?? item.from) - item.from)), make("td", {}, draw(item)))))) : null;

  // The plan as SQLite gives it: lines under lines. What reads a whole table is marked.
  const planLines = (answer) => {
    if (answer.error) return make("p", { class: "dim" }, answer.error);
    const depth = { 0: 0 };
    return make("ul", { class: "plan" }, (answer.plan || []).map((line) => {
      depth[line.id] = (depth[line.parent] ?? 0) + 1;
      const element = make("li", /^SCAN /.test(line.detail) ? { class: "scan" } : {}, line.detail);
      element.style.paddingLeft = `${depth[line.id] - 1}rem`;
      return element;
    }));
  };
  const explain = (request, item) => {
    const button = make("button", { type: "button", class: "small", on: async () => {
      button.disabled = true;
      const response = await fetch(`/_rille/requests/${encodeURIComponent(request.id)}/plan/${item.plan}`).catch(() => null);
      button.replaceWith(planLines(response && response.ok ? await response.json() : { error: "The plan is not to be had any more." }));
    } }, "Plan");
    return button;
  };
  const statement = (request) => (item) => [make("code", {}, item.sql), make("div", { class: "under" }, make("small", {}, source(item.at)),
    item.rows ? make("small", {}, `${item.rows} rows`) : null, item.error ? make("small", {}, item.error) : null, item.plan ? explain(request, item) : null)];
  const named = (item) => [item.name, item.error ? make("small", {}, ` ${item.error}`) : null];
  const repeated = (list) => (list || []).map((item) => make("section", { class: "warn" }, make("h2", {}, `The same statement ${item.count} times`),
    make("p", {}, make("code", {}, item.sql)), make("p", {}, source(item.at), " runs it once for each row, it seems (N+1): one query with a JOIN or IN (…), or db:batch for writes, does all at once.")));

  // As in the terminal: what goes over several lines stands below.
  const logText = (line) => {
    const [below, beside] = [true, false].map((long) => (line.fields || []).filter(([, value]) => value.includes("\n") === long));
    return [line.message, ...beside.map(([name, value]) => `${name}=${/[\s"]/.test(value) ? JSON.stringify(value) : value}`)].join(" ")
      + below.map(([name, value]) => `\n  ${name}:\n    ${value.replaceAll("\n", "\n    ")}`).join("");
  };
  const logs = (list) => list && list.length ? section("Log", list.length, make("pre", {}, list.map((line) => `${line.level.padEnd(5)} ${logText(line)}`).join("\n"))) : null;
  const coded = (text) => text.split("`").map((part, i) => (i % 2 ? make("code", {}, part) : part));
  const failure = (what, key) => what ? make("section", { class: "failed" }, make("h2", {}, "Error"), make("pre", {}, what.message),
    what.sql ? make("pre", { class: "statement" }, `${what.sql.place}:\n${what.sql.excerpt}`) : null,
    make("p", {}, source(`${what.file}:${what.line}`)), what.hint ? make("p", { class: "hint" }, make("b", {}, "Hint "), coded(what.hint)) : null,
    key ? make("p", {}, make("a", { class: "button", href: `/_rille/errors/${encodeURIComponent(key)}` }, "Source and locals of each frame")) : null) : null;

  const draw = (...nodes) => view.replaceChildren(...nodes.flat().filter(Boolean));

  const drawRequest = async (id) => {
    const response = await fetch(`/_rille/requests/${encodeURIComponent(id)}`).catch(() => null);
    if (id !== chosen) return;
    const back = make("p", {}, make("a", { href: "#requests", class: "button" }, "← All requests"));
    if (!response || !response.ok) { draw(back, empty("This request is not among the last hundred any more.")); return; }
    const request = await response.json();
    draw(back, make("h1", {}, badge(request.status), ` ${request.method} ${request.target}`),
      make("p", { class: "dim" }, clock(request.time), request.route ? ` · ${request.route}` : "", request.handler ? " · " : "", source(request.handler), request.remote ? ` · from ${request.remote}` : "", request.id ? ` · ${request.id}` : ""),
      failure(request.failure, request.error), repeated(request.repeated),
      request.from ? bar(request) : empty("A file, or an answer that needed no Lua."),
      timed("SQL", request.sql, statement(request)), timed("Waits", (request.waits || []).filter((item) => !ofDatabase.test(item.name)), named), timed("Templates", request.templates, named),
      logs(request.logs), fields("Query", request.query), fields("Parameters of the path", request.params),
      folded("Session", request.session), folded("Request headers", request.headers), folded("Response headers", request.response_headers));
  };

  // ---- the tabs ---------------------------------------------------------------------------------------------------------

  const wanted = (request) => (files.checked || !request.file) && (!status.value || String(request.status)[0] === status.value)
    && `${request.method} ${request.target}`.toLowerCase().includes(path.value.trim().toLowerCase());

  const views = {
    requests: (state) => {
      const list = state.requests.filter(wanted);
      if (!list.length) return empty(state.requests.length ? "No request matches." : "No requests yet.");
      return table(["Time", "Status", "Request", "Took", "SQL"], list.map((request) => make("tr",
        { tabindex: "0", on: () => { location.hash = `requests/${request.id}`; } },
        make("td", {}, clock(request.time)), make("td", {}, badge(request.status)), make("td", { class: "target", title: request.target }, make("b", {}, request.method), ` ${short(request.target)}`),
        make("td", { class: "num" }, `${request.ms} ms`), make("td", { class: "num" }, request.sql ? [request.sql, make("span", { class: "unit" }, " SQL")] : "", request.repeated ? make("span", { class: "badge n1", title: "one statement many times" }, "N+1") : null))), { class: "list cards" });
    },
    errors: (state) => state.errors.length ? table(["Time", "Error", "Where"], state.errors.map((error) => make("tr",
      { tabindex: "0", on: () => { location.href = `/_rille/errors/${encodeURIComponent(error.key)}`; } },
      make("td", {}, clock(error.time)), make("td", { class: "target" }, short(error.message), " ", make("small", {}, error.kind)), make("td", {}, error.where || ""))), { class: "list cards" })
      : empty("No errors: of handlers, middleware, templates, streams and tasks that nobody waits for, they stand here."),
    log: (state) => state.log.length ? table(["Time", "Level", "Message"], state.log.map((line) => make("tr", { class: line.level }, make("td", {}, clock(line.time)),
      make("td", {}, line.level), make("td", { class: "target" }, make("pre", {}, logText(line))))), { class: "logged cards" }) : empty("Nothing is logged yet."),
    routes: (state) => state.routes.length ? table(["Method", "Path", "Name", "Where"], state.routes.map((route) => make("tr", {}, make("td", {}, route.method), make("td", { class: "target" }, route.path), cells(route.name, source(route.where)))), { class: "cards" })
      : empty("No routes."),
    tasks: (state) => table(["Task", "Spawned", "Waits for", "Since"], state.tasks.map((task) => make("tr", {},
      cells(`#${task.id}${task.parent ? ` of #${task.parent}` : ""}`, source(task.spawned), task.waits, task.waits ? `${task.seconds.toFixed(1)} s` : "runs"))), { class: "cards" }),
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
      return section("Lua memory", `${(now / 1024 / 1024).toFixed(2)} MiB now, ${(most / 1024 / 1024).toFixed(2)} MiB at most, the last ${samples.length * 2} s · generation ${state.generation}, ${state.states} states alive`, chart);
    },
  };

  // What is drawn can be read, and selected, until it changes.
  const redraw = () => {
    if (chosen || !last) return;
    const text = JSON.stringify([tab, last.failure, last[tab], path.value, status.value, files.checked]);
    if (text === shown) return;
    shown = text;
    draw(last.failure ? make("section", { class: "warn" }, `The program does not load: ${last.failure}`) : null, views[tab](last));
  };
  const refresh = async () => {
    if (chosen) return;
    const response = await fetch("/_rille/state").catch(() => null);
    if (!response || !response.ok) return;
    last = await response.json();
    redraw();
  };

  // The address says what is shown, so that "back" goes back.
  const go = () => {
    const [name, id] = location.hash.slice(1).split("/");
    tab = views[name] ? name : "requests";
    chosen = tab === "requests" && id ? decodeURIComponent(id) : null;
    shown = "";
    filter.hidden = tab !== "requests" || chosen !== null;
    for (const button of document.querySelectorAll("[data-tab]")) button.setAttribute("aria-pressed", button.dataset.tab === tab);
    if (chosen) drawRequest(chosen); else { redraw(); refresh(); }
  };

  for (const button of document.querySelectorAll("[data-tab]")) button.addEventListener("click", () => { location.hash = button.dataset.tab; go(); });
  view.addEventListener("keydown", (event) => { if (event.key === "Enter" && event.target.tagName === "TR") event.target.click(); });
  filter.addEventListener("submit", (event) => event.preventDefault());
  filter.addEventListener("input", redraw);
  addEventListener("hashchange", go);
  go();
  setInterval(refresh, 1000);
})();
