// What the console's pages do in the browser. No framework, nothing inline: it lives under `default-src 'self'`.
(function () {
  "use strict";

  const here = document.currentScript;
  const root = document.documentElement;
  const words = JSON.parse(document.getElementById("words").textContent);
  const find = (selector, from) => (from || document).querySelector(selector);
  const all = (selector, from) => Array.from((from || document).querySelectorAll(selector));
  const store = {
    get(key) { try { return JSON.parse(sessionStorage.getItem(key)); } catch { return null; } },
    set(key, value) { try { sessionStorage.setItem(key, JSON.stringify(value)); } catch { /* full or forbidden */ } },
    drop(key) { try { sessionStorage.removeItem(key); } catch { /* forbidden */ } },
  };

  // ---------------------------------------------------------------- toasts
  function toast(title, detail, tone, code) {
    const note = document.getElementById("toast-form").content.firstElementChild.cloneNode(true);
    note.classList.add("toast-" + (tone || "bad"));
    find("strong", note).textContent = title;
    find("p", note).textContent = detail || "";
    if (code) {
      const id = document.createElement("code");
      id.textContent = code;
      find("p", note).append(" ", id);
    }
    document.getElementById("toasts").append(note);
    return note;
  }
  document.addEventListener("click", (event) => {
    const close = event.target.closest("[data-toast-close]");
    if (close) { close.closest("[data-toast]").remove(); }
  });
  // Good news leaves by itself; bad news waits until it has been read.
  new MutationObserver((changes) => changes.forEach((change) => change.addedNodes.forEach((node) => {
    if (node.nodeType === 1 && node.classList.contains("toast-good")) { setTimeout(() => node.remove(), 6000); }
  }))).observe(document.getElementById("toasts"), { childList: true });

  // ---------------------------------------------------------------- htmx failures
  document.addEventListener("htmx:responseError", (event) => {
    const answer = event.detail.xhr;
    const id = answer.getResponseHeader("X-Request-Id") || document.body.dataset.requestId;
    const kind = answer.status === 401 ? "signed_out" : answer.status === 403 ? "forbidden" : answer.status < 500 ? "refused" : "failed";
    let title = words[kind];
    if ((answer.getResponseHeader("Content-Type") || "").includes("json")) {
      try { title = JSON.parse(answer.responseText).title || title; } catch { /* not JSON after all */ }
    }
    toast(title, words[kind + "_do"], "bad", kind === "signed_out" ? "" : id);
  });
  document.addEventListener("htmx:sendError", () => toast(words.unreachable, words.unreachable_do, "bad"));
  document.addEventListener("htmx:timeout", () => toast(words.unreachable, words.unreachable_do, "bad"));
  document.addEventListener("htmx:configRequest", (event) => {
    // A list that was sorted by its header stays sorted when a filter changes.
    const sort = new URLSearchParams(location.search).get("sort");
    if (event.target.matches("form.filters") && sort) { event.detail.parameters.sort = sort; }
  });

  // ---------------------------------------------------------------- what is being typed
  // A part of the page that is exchanged leaves alone what was typed after it had been asked for, and what was typed at all where
  // the server sends it by itself. What the server answers to what it was sent stands: a scanned code leaves its field.
  const typed = new WeakMap();
  let asked = 0;
  document.addEventListener("input", (event) => typed.set(event.target, performance.now()), true);
  document.addEventListener("reset", (event) => Array.from(event.target.elements).forEach((field) => typed.delete(field)), true);
  document.addEventListener("htmx:beforeSend", (event) => { event.detail.xhr.askedAt = performance.now(); });
  document.addEventListener("htmx:beforeSwap", (event) => { asked = event.detail.xhr ? event.detail.xhr.askedAt || 0 : 0; });
  document.addEventListener("htmx:afterSwap", () => { asked = 0; });
  if (window.Idiomorph) {
    window.Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) => {
      if (!["value", "checked", "selected"].includes(name)) { return true; }
      const field = node.localName === "option" ? node.closest("select") : node;
      return !((typed.get(field) || 0) > asked);
    };
  }

  // What the store has kept on this device is for whoever is signed in: it goes with the sign-out, and where nobody is.
  function forgetStore() {
    if ("caches" in window) { caches.delete("comptoir-store-pages").catch(() => { /* forbidden: nothing was kept */ }); }
  }
  document.addEventListener("submit", (event) => { if (event.target.getAttribute("action") === "/sign-out") { forgetStore(); } });
  if (!find("form[action='/sign-out']")) { forgetStore(); }

  const offline = find("[data-offline]");
  const online = () => { offline.hidden = navigator.onLine; };
  addEventListener("online", online);
  addEventListener("offline", online);
  online();

  // ---------------------------------------------------------------- theme
  function toggleTheme() {
    const next = root.dataset.bsTheme === "dark" ? "light" : "dark";
    root.dataset.bsTheme = next;
    try { localStorage.setItem("theme", next); } catch { /* forbidden: it lasts for this page */ }
    all("[data-chart]").forEach(draw);
  }
  document.addEventListener("click", (event) => { if (event.target.closest("[data-theme-toggle]")) { toggleTheme(); } });

  // ---------------------------------------------------------------- dialogs and menus
  const invokers = "commandForElement" in HTMLButtonElement.prototype;
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (opener && !(invokers && opener.hasAttribute("commandfor"))) { document.getElementById(opener.dataset.dialog).showModal(); }
    const closer = event.target.closest("[data-close]");
    if (closer && !(invokers && closer.hasAttribute("commandfor")) && closer.closest("dialog").open) { closer.closest("dialog").close(); }
    if (event.target.matches("dialog[open]")) { event.target.close(); }
    all("details[data-menu][open]").forEach((menu) => { if (!menu.contains(event.target)) { menu.open = false; } });
  });

  // ---------------------------------------------------------------- keys
  const typing = (element) => element.closest("input, textarea, select, [contenteditable]");
  let waitingForPlace = 0;
  function moveRow(step) {
    const table = all("table[data-rows]").find((candidate) => candidate.offsetParent !== null);
    const links = table ? all("tbody .row-link", table) : [];
    if (!links.length) { return; }
    const at = links.indexOf(document.activeElement);
    const next = links[Math.min(Math.max(at + step, 0), links.length - 1)];
    next.focus();
    next.closest("tr").scrollIntoView({ block: "nearest" });
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      all("details[data-menu][open]").forEach((menu) => { menu.open = false; find("summary", menu).focus(); });
      if (event.target.matches("input[type=search]")) { event.target.blur(); }
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || find("dialog[open]")) { return; }
    if (Date.now() - waitingForPlace < 1500) {
      waitingForPlace = 0;
      const place = all("[data-letter]").find((link) => link.dataset.letter === event.key);
      if (place) { event.preventDefault(); place.click(); return; }
    }
    const steps = { j: 1, k: -1 };
    if (event.key === "/") {
      const field = find("[data-search=page]") || find("[data-search=all]");
      if (field) { event.preventDefault(); field.focus(); field.select(); }
    } else if (event.key === "?") {
      event.preventDefault();
      const keys = document.getElementById("keys");
      if (keys) { keys.showModal(); }
    } else if (event.key === "g") {
      waitingForPlace = Date.now();
    } else if (event.key === "t") {
      toggleTheme();
    } else if (event.key in steps) {
      moveRow(steps[event.key]);
    }
  });

  // ---------------------------------------------------------------- never lose what was typed
  // A form that posts is remembered until its page has been left by a success. Passwords and files are not.
  const kept = "form[method=post]:not([data-keep=no])";
  const keyOf = (form) => "typed:" + location.pathname + ":" + form.getAttribute("action") + ":" + (form.id || "");
  const fields = (form) => Array.from(form.elements).filter((field) =>
    field.name && !["password", "file", "hidden", "submit", "button", "fieldset"].includes(field.type));
  const read = (field) => (["checkbox", "radio"].includes(field.type) ? field.checked : field.value);
  function original(field) {
    if (["checkbox", "radio"].includes(field.type)) { return field.defaultChecked; }
    if (field.tagName !== "SELECT") { return field.defaultValue; }
    const chosen = Array.from(field.options).find((option) => option.defaultSelected) || field.options[0];
    return chosen ? chosen.value : "";
  }
  function write(field, value) {
    if (["checkbox", "radio"].includes(field.type)) { field.checked = value; } else { field.value = value; }
  }
  document.addEventListener("input", (event) => {
    const form = event.target.closest(kept);
    if (form) { store.set(keyOf(form), { sent: false, values: fields(form).map((field) => [field.name, read(field)]) }); }
  });
  document.addEventListener("submit", (event) => {
    const form = event.target.closest(kept);
    const typed = form && store.get(keyOf(form));
    if (typed && !form.hasAttribute("hx-post")) { store.set(keyOf(form), { ...typed, sent: true }); }
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.target.closest && event.target.closest("form");
    if (form && event.detail.successful && event.detail.requestConfig.verb !== "get") { store.drop(keyOf(form)); }
  });
  function restore(form) {
    const typed = store.get(keyOf(form));
    if (!typed) { return; }
    const refused = find("[aria-invalid=true], [data-refused]", form);
    if (refused) { return; } // the server has written the values back itself
    if (typed.sent) { store.drop(keyOf(form)); return; } // it was accepted: the page came back without a refusal
    let changed = false;
    fields(form).forEach((field, at) => {
      const [name, value] = typed.values[at] || [];
      if (name === field.name && read(field) === original(field) && value !== read(field)) { write(field, value); changed = true; }
    });
    if (!changed) { return; }
    const note = toast(words.restored, words.restored_do, "neutral");
    const afresh = document.createElement("button");
    afresh.type = "button";
    afresh.className = "btn btn-sm";
    afresh.textContent = words.discard;
    afresh.addEventListener("click", () => { form.reset(); store.drop(keyOf(form)); note.remove(); });
    find("p", note).append(" ", afresh);
  }
  // The error page of a post that failed must not count as a success.
  if (find("[data-failed]")) {
    Object.keys(sessionStorage).filter((key) => key.startsWith("typed:")).forEach((key) => {
      const typed = store.get(key);
      if (typed) { store.set(key, { ...typed, sent: false }); }
    });
  }

  // ---------------------------------------------------------------- file drop
  document.addEventListener("change", (event) => {
    const zone = event.target.closest("[data-drop]");
    if (zone && event.target.files.length) {
      find("[data-drop-name]", zone).textContent = words.chosen + " " + Array.from(event.target.files, (file) => file.name).join(", ");
      zone.classList.add("has-file");
    }
  });
  ["dragenter", "dragover", "dragleave", "drop"].forEach((kind) => document.addEventListener(kind, (event) => {
    const zone = event.target.closest && event.target.closest("[data-drop]");
    if (!zone) { return; }
    event.preventDefault();
    zone.classList.toggle("over", kind === "dragenter" || kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length) {
      const input = find("input[type=file]", zone);
      input.files = event.dataTransfer.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }));

  // ---------------------------------------------------------------- live
  function live(on) {
    all("[data-live-dot]").forEach((dot) => {
      dot.classList.toggle("off", !on);
      find("[data-live-word]", dot).textContent = on ? dot.dataset.on : dot.dataset.off;
    });
  }
  document.addEventListener("htmx:sseOpen", () => live(true));
  document.addEventListener("htmx:sseError", () => live(false));

  // ---------------------------------------------------------------- charts
  const charts = new Map();
  let library = null;
  const token = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const locale = root.lang;
  function loadLibrary() {
    library = library || new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = here.dataset.echarts;
      script.onload = () => resolve(window.echarts);
      script.onerror = reject;
      document.head.append(script);
    });
    return library;
  }
  function formats(spec) {
    if (spec.currency) {
      const full = new Intl.NumberFormat(locale, { style: "currency", currency: spec.currency });
      const by = 10 ** -full.resolvedOptions().maximumFractionDigits;
      const short = new Intl.NumberFormat(locale, { style: "currency", currency: spec.currency, notation: "compact", maximumFractionDigits: 1, minimumFractionDigits: 0 });
      return { full: (value) => full.format(value * by), short: (value) => short.format(value * by) };
    }
    if (spec.unit === "percent") {
      const share = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 });
      return { full: share.format, short: share.format };
    }
    const full = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 });
    const short = new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 });
    return { full: full.format, short: short.format };
  }
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const colours = () => ["--chart-1", "--chart-2", "--chart-3", "--chart-4", "--chart-5", "--chart-6"].map(token);
  const tones = (tone) => token({ good: "--good", warn: "--warn", bad: "--bad", active: "--accent", neutral: "--ink-3" }[tone]);
  // Tooltips are drawn on the canvas: as HTML they would need inline styles, which the page's policy forbids.
  const tooltip = () => ({
    renderMode: "richText", confine: true, backgroundColor: token("--raised"), borderColor: token("--line-strong"), borderWidth: 1,
    padding: [8, 10], textStyle: { color: token("--ink"), fontFamily: token("--font"), fontSize: 12 },
    shadowBlur: 0, shadowColor: "transparent",
  });
  // The legend breaks into as many lines as the box is narrow for; the plot begins under them.
  function legendLines(spec, width) {
    let [lines, taken] = [1, 0];
    spec.series.forEach((series) => {
      const needed = 26 + 7 * series.name.length;
      if (taken && taken + needed > width) { lines += 1; taken = 0; }
      taken += needed;
    });
    return spec.series.length > 1 ? lines : 0;
  }
  // Rows of several bars each are as high as the figures beside the bars need.
  function roomy(spec, width) {
    const crowded = spec.kind === "rows" && spec.series.length > 1;
    return crowded ? `${20 + 22 * legendLines(spec, width) + spec.labels.length * (8 + 14 * spec.series.length)}px` : "";
  }
  function figure(spec, width) {
    const write = formats(spec);
    const stacked = spec.kind === "stack";
    const flat = spec.kind === "rows";
    const palette = colours();
    const label = { color: token("--ink-2"), fontFamily: token("--font"), fontSize: 11 };
    const categories = { type: "category", data: spec.labels, axisTick: { show: false }, axisLine: { lineStyle: { color: token("--line-strong") } }, axisLabel: { ...label, hideOverlap: true, margin: 10 }, inverse: flat, boundaryGap: spec.kind !== "line" && spec.kind !== "area" };
    const values = { type: "value", splitNumber: 4, minInterval: spec.whole ? 1 : 0, axisLabel: { ...label, formatter: write.short }, splitLine: { lineStyle: { color: token("--line") } } };
    return {
      animation: !still.matches, animationDuration: 250, animationDurationUpdate: 250,
      textStyle: { fontFamily: token("--font") }, color: palette,
      aria: { enabled: false },
      grid: { left: 4, right: flat ? 56 : 12, top: 12 + 22 * legendLines(spec, width), bottom: 4, containLabel: true },
      legend: { show: spec.series.length > 1, left: 0, top: 0, icon: "roundRect", itemWidth: 10, itemHeight: 10, itemGap: 16, textStyle: { ...label, fontSize: 12 } },
      tooltip: { ...tooltip(), trigger: "axis", axisPointer: { type: flat || spec.kind === "bar" ? "none" : "line", lineStyle: { color: token("--line-strong") } },
        formatter: (points) => {
          const lines = points.map((point) => point.marker + point.seriesName + "  " + (point.value === null || point.value === undefined ? "–" : write.full(point.value)));
          const sum = points.reduce((total, point) => total + (point.value || 0), 0);
          if (stacked && points.length > 1) { lines.push(words.total + "  " + write.full(sum)); }
          return points[0].axisValueLabel + "\n" + lines.join("\n");
        } },
      xAxis: flat ? { ...values, axisLabel: { show: false }, splitLine: { show: false } } : categories,
      yAxis: flat ? { ...categories, axisLine: { show: false }, axisLabel: { ...label, fontSize: 12, color: token("--ink") } } : values,
      series: spec.series.map((series, at) => {
        const colour = series.tone ? tones(series.tone) : palette[at % palette.length];
        const bars = spec.kind === "bar" || flat || stacked;
        const known = (n) => series.values[n] !== null && series.values[n] !== undefined;
        const lone = series.values.some((_, n) => known(n) && !known(n - 1) && !known(n + 1)); // no line leads to it
        return {
          name: series.name, data: series.values, type: bars ? "bar" : "line", stack: stacked ? "all" : undefined,
          showSymbol: lone, symbol: "circle", symbolSize: 7, lineStyle: { width: 2, type: series.dashed ? "dashed" : "solid" }, smooth: false, barMaxWidth: flat ? 14 : 26, barCategoryGap: stacked ? "18%" : "32%",
          itemStyle: { color: colour, borderRadius: bars && !stacked ? 2 : 0 },
          areaStyle: spec.kind === "area" ? { color: colour, opacity: 0.12 } : undefined,
          label: flat ? { show: true, position: "right", formatter: (point) => write.short(point.value), color: token("--ink-2"), fontSize: 11 } : undefined,
          emphasis: { focus: "none" },
        };
      }),
    };
  }
  // Albers' equal-area conic, which is how people know the outline of the United States; elsewhere Mercator.
  function albers() {
    const rad = Math.PI / 180;
    const [p1, p2, p0, l0] = [29.5 * rad, 45.5 * rad, 38 * rad, -96 * rad];
    const n = (Math.sin(p1) + Math.sin(p2)) / 2;
    const c = Math.cos(p1) ** 2 + 2 * n * Math.sin(p1);
    const r0 = Math.sqrt(c - 2 * n * Math.sin(p0)) / n;
    return {
      project: ([lon, lat]) => {
        const r = Math.sqrt(c - 2 * n * Math.sin(lat * rad)) / n;
        const angle = n * (lon * rad - l0);
        return [r * Math.sin(angle), -(r0 - r * Math.cos(angle))];
      },
      unproject: ([x, y]) => {
        const down = r0 + y;
        const r = Math.sign(n) * Math.hypot(x, down);
        return [(Math.atan2(x, down) / n + l0) / rad, Math.asin((c - (r * n) ** 2) / (2 * n)) / rad];
      },
    };
  }
  function mercator() {
    const rad = Math.PI / 180;
    return {
      project: ([lon, lat]) => [lon * rad, -Math.log(Math.tan(Math.PI / 4 + (Math.max(Math.min(lat, 84), -84) * rad) / 2))],
      unproject: ([x, y]) => [x / rad, (2 * Math.atan(Math.exp(-y)) - Math.PI / 2) / rad],
    };
  }
  // Where all points lie close together the map shows their region: a chain of three states is no speck in a continent.
  function region(spec) {
    const [longest, highest] = { us: [58, 25], europe: [35, 24] }[spec.map] || [360, 150];
    const [lons, lats] = [spec.points.map((point) => point.lon), spec.points.map((point) => point.lat)];
    const [west, east, south, north] = [Math.min(...lons), Math.max(...lons), Math.min(...lats), Math.max(...lats)];
    if (!lons.length || east - west > longest * 0.6 || north - south > highest * 0.6) { return undefined; }
    const [across, up] = [Math.max((east - west) * 0.12, longest * 0.08), Math.max((north - south) * 0.12, highest * 0.08)];
    return [[west - across, north + up], [east + across, south - up]];
  }
  function place(spec) {
    const most = Math.max(1, ...spec.points.map((point) => point.value || 0));
    const [small, large] = spec.points.length > 60 ? [4, 9] : [6, 20];
    const dot = (point) => ({
      name: point.name, value: [point.lon, point.lat, point.value], words: point.words, href: point.href,
      symbol: point.tone === "bad" ? "triangle" : point.tone === "warn" ? "diamond" : "circle",
      symbolSize: Math.max((point.tone && point.tone !== "active" ? 11 : 6), small + large * Math.sqrt((point.value || 0) / most)),
      itemStyle: { color: point.tone ? tones(point.tone) : token("--accent"), opacity: point.tone === "bad" ? 1 : 0.72, borderColor: token("--raised"), borderWidth: 1 },
    });
    return {
      animation: !still.matches, textStyle: { fontFamily: token("--font") },
      geo: { map: spec.map, roam: false, silent: true, projection: spec.map === "us" ? albers() : mercator(), preserveAspect: "contain", left: 8, right: 8, top: 8, bottom: 8,
        boundingCoords: region(spec) || (spec.map === "europe" ? [[-10, 60], [25, 36]] : undefined),
        itemStyle: { areaColor: token("--land"), borderColor: token("--raised"), borderWidth: 1 } },
      tooltip: { ...tooltip(), trigger: "item", formatter: (point) => point.data.name + (point.data.words ? "\n" + point.data.words : "") },
      series: [{ type: "scatter", coordinateSystem: "geo", data: spec.points.filter((point) => !point.tone || point.tone === "active").map(dot) },
        { type: "scatter", coordinateSystem: "geo", data: spec.points.filter((point) => point.tone && point.tone !== "active").map(dot), z: 5 }],
    };
  }
  async function outline(echarts, name, address) {
    if (!outline[name]) { outline[name] = fetch(address).then((answer) => answer.json()).then((shapes) => echarts.registerMap(name, shapes)); }
    await outline[name];
  }
  // A figure that is streamed brings its words along, and what it says as a table or a list follows while somebody reads it.
  function tell(box, spec) {
    const whole = box.closest("figure");
    const [title, said] = [find(".card-title", whole), find(".figure-words", whole)];
    if (spec.title) { title.textContent = spec.title; }
    if (spec.words) {
      said.textContent = spec.words;
      box.setAttribute("aria-label", `${title.textContent}. ${spec.words}`);
    }
    const details = find(".figure-table", whole);
    if (!details || !charts.has(box)) { return; }
    if (!details.dataset.follows) {
      details.dataset.follows = "yes";
      details.addEventListener("toggle", () => { if (details.open) { list(details, JSON.parse(document.getElementById(box.dataset.chart).textContent)); } });
    }
    if (details.open) { list(details, spec); }
  }
  const element = (name, text, className) => Object.assign(document.createElement(name), { textContent: text, className: className || "" });
  function list(details, spec) {
    if (spec.map) {
      find("ul", details).replaceChildren(...spec.points.map((point) => {
        const row = element("li", "");
        const mark = find(`template[data-tone="${point.tone}"]`, details);
        if (mark) { row.append(mark.content.cloneNode(true)); }
        row.append(point.href ? Object.assign(element("a", point.name), { href: point.href }) : point.name, " ", element("span", point.words || "", "quiet"));
        return row;
      }));
      return;
    }
    const write = formats(spec);
    const cell = (value) => element("td", value === null || value === undefined ? "–" : write.full(value), "num");
    const heads = spec.series.map((series) => Object.assign(element("th", series.name, "num"), { scope: "col" }));
    const head = find("thead tr", details);
    head.replaceChildren(head.firstElementChild, ...heads);
    find("tbody", details).replaceChildren(...spec.labels.map((label, at) => {
      const row = element("tr", "");
      row.append(Object.assign(element("th", label), { scope: "row" }), ...spec.series.map((series) => cell(series.values[at])));
      return row;
    }));
  }
  async function draw(box) {
    const data = document.getElementById(box.dataset.chart);
    const echarts = await loadLibrary();
    const spec = JSON.parse(data.textContent);
    tell(box, spec);
    if (spec.map) { await outline(echarts, spec.map, box.dataset.outline); } else { box.style.minHeight = roomy(spec, box.clientWidth); }
    let chart = charts.get(box);
    if (!chart) {
      chart = echarts.init(box, null, { renderer: "canvas" });
      charts.set(box, chart);
      chart.on("click", (point) => { if (point.data && point.data.href) { location.assign(point.data.href); } });
      let width = box.clientWidth;
      new ResizeObserver(() => {
        chart.resize();
        if (box.clientWidth !== width) { width = box.clientWidth; draw(box); }
      }).observe(box);
      new MutationObserver(() => draw(box)).observe(data, { childList: true, characterData: true, subtree: true });
    }
    chart.setOption(spec.map ? place(spec) : figure(spec, box.clientWidth), { replaceMerge: ["series"] });
    box.dataset.drawn = "yes";
  }

  // ---------------------------------------------------------------- a page, or a part of it, has come
  function arrive(part) {
    all("[data-chart]", part).filter((box) => !charts.has(box)).forEach(draw);
    for (const [box, chart] of charts) { if (!box.isConnected) { chart.dispose(); charts.delete(box); } }
    all(kept, part).forEach(restore);
    const refused = find("[data-refused]", part);
    if (refused) { refused.focus(); }
  }
  document.addEventListener("htmx:afterSettle", (event) => arrive(event.target));
  arrive(document);
  window.comptoir = { toast };
})();
