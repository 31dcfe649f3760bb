// What the pages of the store do in the browser: scans that are never lost, a camera that reads labels, and a voice.
(function () {
  "use strict";

  const root = document.querySelector("[data-store]");
  if (!root) { return; }
  const find = (selector, from) => (from || document).querySelector(selector);
  const all = (selector, from) => Array.from((from || document).querySelectorAll(selector));
  const texts = find("[data-store-words]");
  const words = texts ? JSON.parse(texts.textContent) : {};
  const fill = (text, values) => (text || "").replace(/\{(\w+)\}/g, (_, name) => values[name]);

  // ---------------------------------------------------------------- what this device keeps
  // Each scan has a key of its own, in the order in which it was made; the server does the same key once. Another person who
  // signs in on this device does not send what this one has scanned.
  const memory = {};
  const own = (name) => `store:${name}:${root.dataset.user}`;
  function read(name) {
    try { return JSON.parse(localStorage.getItem(own(name))) || []; } catch { return memory[name] || []; }
  }
  function write(name, rows) {
    memory[name] = rows;
    try { localStorage.setItem(own(name), JSON.stringify(rows)); } catch { /* full or forbidden: it lasts for this page */ }
  }
  function newKey() {
    return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  // ---------------------------------------------------------------- a voice
  let audio = null;
  function sound(tone) {
    try {
      audio = audio || new AudioContext();
      const notes = { good: [[880, 0, .08]], bad: [[220, 0, .22], [165, .26, .34]], warn: [[440, 0, .15]] }[tone] || [];
      notes.forEach(([pitch, after, length]) => {
        const [voice, volume] = [audio.createOscillator(), audio.createGain()];
        voice.type = tone === "bad" ? "square" : "sine";
        voice.frequency.value = pitch;
        volume.gain.value = .18;
        voice.connect(volume).connect(audio.destination);
        voice.start(audio.currentTime + after);
        voice.stop(audio.currentTime + after + length);
      });
    } catch { /* no sound here: there are words, colour and icon */ }
    if (navigator.vibrate && navigator.userActivation && navigator.userActivation.hasBeenActive) { navigator.vibrate(tone === "bad" ? [120, 60, 220] : 40); }
  }
  function say(tone, text, silent) {
    const box = find("[data-said]");
    if (!box) { return; }
    const mark = find(`template[data-icon=${tone}]`);
    box.className = `said said-${tone}`;
    box.replaceChildren(...(mark ? [mark.content.cloneNode(true)] : []), Object.assign(document.createElement("span"), { textContent: text }));
    box.hidden = false;
    if (!silent) { sound(tone); }
  }

  // ---------------------------------------------------------------- scans that were refused stay until they have been seen
  function refuse(item, text) {
    const rows = read("refused");
    if (!rows.some((row) => row.key === item.key)) { write("refused", [...rows, { key: item.key, code: item.code, text, at: item.at }].slice(-50)); }
    showRefused();
  }
  function showRefused() {
    const box = find("[data-refused-scans]");
    if (!box) { return; }
    const rows = read("refused");
    const clock = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
    find("ul", box).replaceChildren(...rows.map((row) => Object.assign(document.createElement("li"), { textContent: `${clock.format(row.at)} · ${row.text}` })));
    box.hidden = !rows.length;
  }
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-forget]")) { write("refused", []); showRefused(); focusField(); }
  });

  // ---------------------------------------------------------------- what a device can tell by itself
  const plain = (code) => (/^\d+$/.test(code) ? code.replace(/^0+/, "") : code);
  const rowOf = (code) => all("[data-codes]").find((row) => row.dataset.codes.split(" ").some((known) => plain(known) === plain(code)));
  function count(row, units) {
    const left = Math.max(0, Number(row.dataset.left) - units);
    row.dataset.left = left;
    const number = find("[data-number]", row);
    if (number) { number.textContent = left; }
    row.classList.toggle("item-done", !left);
    showProgress();
  }
  // How far it is, with what waits to be sent. Pieces and kilograms do not add up to anything.
  function showProgress() {
    const bar = find("#work .pick-progress progress");
    if (!bar || find("#work [data-weighed]")) { return; }
    const left = all("#work [data-codes]").reduce((sum, row) => sum + Number(row.dataset.left), 0);
    bar.value = bar.max - left;
    find("#work .pick-progress .progress-head .num").textContent = fill(words.progress, { done: bar.max - left, all: bar.max });
  }
  // The rows as the server last told them, with what waits to be sent taken off.
  function countUnsent() {
    const work = find("#work");
    if (!work) { return; }
    read("scans").filter((item) => item.action === `${work.dataset.action}/scan`).forEach((item) => {
      const row = rowOf(item.code);
      if (row && Number(row.dataset.left)) { count(row, "weighed" in row.dataset ? Number(row.dataset.left) : 1); }
    });
  }
  function judge(item) {
    const row = rowOf(item.code);
    if (row && Number(row.dataset.left)) {
      count(row, "weighed" in row.dataset ? Number(row.dataset.left) : 1);
      row.classList.remove("item-hit");
      void row.offsetWidth;
      row.classList.add("item-hit");
      row.scrollIntoView({ block: "nearest" });
      say("good", fill(words.right, { name: row.dataset.name }));
      return "good";
    }
    if (row) {
      say("bad", fill(words.many, { name: row.dataset.name }));
      return "bad";
    }
    if (!navigator.onLine) {
      say("bad", fill(words.foreign, { code: item.code }));
      return "bad";
    }
    return "";
  }

  // ---------------------------------------------------------------- sending, one after the other
  let sending = false;
  let waiting = 0;
  let away = false;
  function showUnsent() {
    const note = find("[data-unsent]");
    const rows = read("scans");
    if (!note) { return; }
    note.hidden = !(away && rows.length);
    note.textContent = fill(words.unsent, { num: rows.length });
  }
  function later() {
    away = true;
    clearTimeout(waiting);
    waiting = setTimeout(pump, 4000);
  }
  async function pump() {
    if (sending) { return; }
    sending = true;
    try {
      for (let first = read("scans")[0]; first; first = read("scans")[0]) {
        if (!await send(first)) { break; }
      }
    } finally {
      sending = false;
      showUnsent();
    }
  }
  // Whether the server has answered for good.
  async function send(item) {
    let answer, text;
    try {
      answer = await fetch(item.action, {
        method: "POST", credentials: "same-origin", redirect: "manual",
        headers: { "X-Scan": "yes", "HX-Request": "true", "X-Form-Token": root.dataset.store, "Content-Type": "application/x-www-form-urlencoded" },
        body: new URLSearchParams({ code: item.code, _key: item.key }).toString(),
      });
      text = await answer.text();
    } catch {
      if (!item.told) { say("warn", fill(words.unsure, { code: item.code })); told(item); }
      later();
      return false;
    }
    if (answer.status === 401 || answer.status === 403) { say("warn", words.signed_out); return false; }
    if (answer.status >= 500 || answer.status === 429) { later(); return false; }
    away = false;
    write("scans", read("scans").filter((row) => row.key !== item.key));
    settle(item, text);
    return true;
  }
  function told(item) {
    write("scans", read("scans").map((row) => (row.key === item.key ? { ...row, told: "warn" } : row)));
  }
  function settle(item, text) {
    const fresh = find("#work", new DOMParser().parseFromString(text, "text/html"));
    const tone = fresh && fresh.dataset.tone ? fresh.dataset.tone : fresh ? "" : "bad";
    const said = fresh && fresh.dataset.words ? fresh.dataset.words : fill(words.refused || "{code}", { code: item.code });
    const here = find("#work");
    if (fresh && here && fresh.dataset.action === here.dataset.action) {
      const open = all("details[open]", here).length;
      if (!open || tone) { here.replaceWith(document.importNode(fresh, true)); countUnsent(); }
    }
    if (tone) { say(tone, said, tone === item.told); }
    if (tone === "bad") { refuse(item, said); }
    focusField();
  }
  function scanned(action, code) {
    const item = { key: newKey(), action, code, at: Date.now(), told: "" };
    item.told = judge(item);
    write("scans", [...read("scans"), item]);
    if (!navigator.onLine) { away = true; }
    showUnsent();
    pump();
  }
  const field = () => find("#code") || find("#q");
  function focusField() {
    const input = find("#code");
    if (input && (document.activeElement === document.body || !document.activeElement)) { input.focus({ preventScroll: true }); }
  }
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-scans]")) {
      event.preventDefault();
      const input = form.elements.code;
      const code = input.value.trim();
      input.value = "";
      input.focus();
      if (code) { scanned(form.getAttribute("action"), code); }
      return;
    }
    // Without a network, taking by button is scanning as often; anything else has to wait, and says so.
    if (navigator.onLine || !form.closest("[data-store]")) { return; }
    event.preventDefault();
    const work = find("#work");
    const row = form.closest("[data-codes]");
    const rows = form.action.endsWith("/all") ? all("[data-codes]") : /\/(take|scan)$/.test(form.action) && row ? [row] : [];
    if (!work || !rows.length) { const note = find("[data-offline]"); say("warn", note ? note.textContent.trim() : ""); return; }
    rows.forEach((one) => {
      const times = "weighed" in one.dataset ? Math.min(1, Number(one.dataset.left)) : Number(one.dataset.left);
      for (let n = 0; n < times; n += 1) { scanned(`${work.dataset.action}/scan`, one.dataset.codes.split(" ")[0]); }
    });
  }, true);
  addEventListener("online", () => { clearTimeout(waiting); pump(); });
  addEventListener("offline", () => { away = true; showUnsent(); });

  // A scanner is a keyboard that does not look where the cursor is: what it types goes into the field.
  document.addEventListener("keydown", (event) => {
    if (!/^[0-9A-Z]$/.test(event.key) || event.ctrlKey || event.metaKey || event.altKey || find("dialog[open]")) { return; }
    const input = field();
    if (input && !event.target.closest("input, textarea, select")) { input.focus(); }
  }, true);

  // What is typed for the label is the tracking number of the box as well.
  document.addEventListener("input", (event) => {
    const twin = event.target.dataset.mirror && document.getElementById(event.target.dataset.mirror);
    if (twin) { twin.value = event.target.value; }
  });

  // ---------------------------------------------------------------- the camera, where the browser can read barcodes
  async function look() {
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch {
      if (words.no_camera) { say("warn", words.no_camera); } else { field().focus(); }
      return;
    }
    const detector = new window.BarcodeDetector();
    const view = document.createElement("dialog");
    const video = Object.assign(document.createElement("video"), { autoplay: true, muted: true, playsInline: true, srcObject: stream });
    const stop = Object.assign(document.createElement("button"), { type: "button", className: "btn", textContent: words.stop || "×" });
    view.className = "camera-view store";
    view.setAttribute("aria-label", words.camera || "");
    view.append(video, Object.assign(document.createElement("p"), { textContent: words.camera || "" }), stop);
    stop.addEventListener("click", () => view.close());
    let last = { code: "", at: 0 };
    let running = true;
    view.addEventListener("close", () => { running = false; stream.getTracks().forEach((track) => track.stop()); view.remove(); focusField(); });
    document.body.append(view);
    view.showModal();
    while (running) {
      await new Promise((resume) => setTimeout(resume, 150));
      const codes = await detector.detect(video).catch(() => []);
      if (!running || !codes.length) { continue; }
      const code = codes[0].rawValue.trim();
      // The same label stays in view for a while: it is read again only after a pause.
      const again = code === last.code && Date.now() - last.at < 2000;
      last = { code, at: Date.now() };
      if (again || !code) { continue; }
      const input = field();
      input.value = code;
      if (input.id === "q") { view.close(); }
      input.form.requestSubmit();
    }
  }
  if ("BarcodeDetector" in window && navigator.mediaDevices) { all("[data-camera]").forEach((button) => { button.hidden = false; }); }
  document.addEventListener("click", (event) => { if (event.target.closest("[data-camera]")) { look(); } });

  showRefused();
  countUnsent();
  away = !navigator.onLine;
  showUnsent();
  pump();
})();
