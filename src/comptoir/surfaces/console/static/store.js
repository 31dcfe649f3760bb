// What the pages of the store do in the browser: scans that are never lost, forms that wait for the server, and a voice.
(function () {
  "use strict";

  const root = () => document.querySelector("[data-store]");
  if (!root()) { return; }
  const find = (selector, from) => (from || document).querySelector(selector);
  const all = (selector, from) => Array.from((from || document).querySelectorAll(selector));
  const fill = (text, values) => (text || "").replace(/\{(\w+)\}/g, (_, name) => values[name]);
  let words = {};
  // A page may have words of its own for what a scan means there: those of hand-over mark boxes.
  const word = (name) => { const work = find("#work"); return (work && work.dataset.say && words[`${work.dataset.say}_${name}`]) || words[name]; };

  // ---------------------------------------------------------------- what this device keeps
  // Each scan has a key of its own, in the order in which it was made; the server does the same key once. Another person who
  // signs in on this device does not send what this one has scanned.
  const memory = {};
  const own = (name) => `store:${name}:${root().dataset.user}`;
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

  // ---------------------------------------------------------------- a voice: a sound, a shake, both or neither, as the person likes
  const VOICE = "store:voice";
  function voice() {
    try { return localStorage.getItem(VOICE) || "both"; } catch { return "both"; }
  }
  let audio = null;
  const TUNES = { good: [[880, 0, .08]], bad: [[220, 0, .22], [165, .26, .34]], warn: [[440, 0, .15]], new: [[660, 0, .12], [880, .16, .12], [1100, .32, .2]] };
  const SHAKES = { bad: [120, 60, 220], new: [200, 100, 200, 100, 300] };
  function sound(tone) {
    if (["both", "sound"].includes(voice())) {
      try {
        audio = audio || new AudioContext();
        (TUNES[tone] || []).forEach(([pitch, after, length]) => {
          const [tune, volume] = [audio.createOscillator(), audio.createGain()];
          tune.type = tone === "bad" ? "square" : "sine";
          tune.frequency.value = pitch;
          volume.gain.value = .18;
          tune.connect(volume).connect(audio.destination);
          tune.start(audio.currentTime + after);
          tune.stop(audio.currentTime + after + length);
        });
      } catch { /* no sound here: there are words, colour and icon */ }
    }
    if (!["both", "shake"].includes(voice())) { return; }
    if (navigator.vibrate && navigator.userActivation && navigator.userActivation.hasBeenActive) { navigator.vibrate(SHAKES[tone] || 40); }
  }
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-voice]")) { return; }
    try { localStorage.setItem(VOICE, event.target.value); } catch { /* it lasts for this page */ }
    sound("new");
  });
  function say(tone, text, silent, drawn) {
    const box = find("[data-said]");
    if (!box) { return; }
    const mark = find(`template[data-icon=${drawn || tone}]`);
    box.className = `said said-${tone}`;
    box.replaceChildren(...(mark ? [mark.content.cloneNode(true)] : []), Object.assign(document.createElement("span"), { textContent: text }));
    box.hidden = false;
    if (!silent) { sound(tone); }
  }

  if (find("[data-alarm]")) { sound("bad"); }

  // ---------------------------------------------------------------- what was not taken stays until it has been seen
  function refuse(item, text) {
    const rows = read("refused");
    const what = [item.name || item.code || "", Math.abs(item.units || 0) > 1 && !item.weight ? `× ${Math.abs(item.units)}` : ""].filter(Boolean).join(" ");
    if (!rows.some((row) => row.key === item.key)) { write("refused", [...rows, { key: item.key, what, text, at: item.at, href: item.work || "" }].slice(-50)); }
    showRefused();
  }
  function showRefused() {
    const box = find("[data-refused-scans]");
    if (!box) { return; }
    const rows = read("refused");
    const clock = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
    const day = new Intl.DateTimeFormat(document.documentElement.lang, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
    find("ul", box).replaceChildren(...rows.map((row) => {
      const line = document.createElement("li");
      const at = new Date(row.at).toDateString() === new Date().toDateString() ? clock.format(row.at) : day.format(row.at);
      line.append(`${at} · ${fill(words.not_taken || "{why}", { what: row.what || row.code || "", why: row.text })} `);
      if (row.href && row.href !== location.pathname) { line.append(Object.assign(document.createElement("a"), { href: row.href, textContent: words.open || row.href })); }
      return line;
    }));
    box.hidden = !rows.length;
  }
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-forget]")) { write("refused", []); showRefused(); focusField(); }
  });

  // ---------------------------------------------------------------- what a device can tell by itself
  const plain = (code) => (/^\d+$/.test(code) ? code.replace(/^0+/, "") : code.toUpperCase());
  const numberOf = (code) => ((window.comptoirLots && window.comptoirLots.labelOf(code)) || { number: code }).number;
  const rowOf = (code) => all("[data-codes]").find((row) => row.dataset.codes.split(" ").some((known) => plain(known) === plain(numberOf(code))));
  const kilograms = new Intl.NumberFormat(document.documentElement.lang, { minimumFractionDigits: 3, maximumFractionDigits: 3 });
  // What something that waits takes off a row: pieces, what is on the scales, or (back) less than nothing.
  const takes = (row, item) => (item.units !== undefined ? item.units : "weighed" in row.dataset ? item.weight || 0 : 1);
  function count(row, units) {
    const left = Math.max(0, Number(row.dataset.left) - units);
    row.dataset.left = left;
    const number = find("[data-number]", row);
    if (number) { number.textContent = "weighed" in row.dataset ? kilograms.format(left / 1000) : left; }
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
    read("scans").filter((item) => workOf(item) === work.dataset.action).forEach((item) => {
      if (item.whole) { all("#work [data-codes]").forEach((row) => count(row, Number(row.dataset.left))); return; }
      const row = rowOf(item.code);
      if (row && (Number(row.dataset.left) || takes(row, item) < 0)) { count(row, takes(row, item)); }
    });
  }
  const workOf = (item) => item.work || item.action.replace(/\/scan$/, "");
  // In the lists: what has something on this device that the server does not know yet.
  function markUnsent() {
    all("[data-waits-here]").forEach((mark) => mark.remove());
    const rows = read("scans");
    all("a.task-link").forEach((link) => {
      const waits = rows.filter((item) => workOf(item) === link.getAttribute("href")).length;
      const body = waits && link.closest(".task-body");
      if (body) { body.append(Object.assign(document.createElement("p"), { className: "state state-warn", textContent: waits === 1 ? words.waits_here_one : fill(words.waits_here, { num: waits }) })); body.lastChild.dataset.waitsHere = ""; }
    });
  }
  function hit(row) {
    row.classList.remove("item-hit");
    void row.offsetWidth;
    row.classList.add("item-hit");
    row.scrollIntoView({ block: "nearest" });
  }
  // A label without a weight takes nothing: what is on the scales is asked for.
  function weigh(row) {
    const input = row && find("[data-weighs] input[name=weight]", row);
    if (!input) { return false; }
    hit(row);
    say("warn", fill(words.weigh, { name: row.dataset.name }), false, "weigh");
    input.focus({ preventScroll: true });
    input.select();
    return true;
  }
  function judge(item) {
    const row = rowOf(item.code);
    if (row && (Number(row.dataset.left) || item.units < 0)) {
      count(row, takes(row, item));
      hit(row);
      const left = all("#work [data-codes]").reduce((sum, one) => sum + Number(one.dataset.left), 0);
      say("good", away && !left && words.all_kept ? word("all_kept") : fill(item.units < 0 ? word("back") : word("right"), { name: row.dataset.name }));
      return "good";
    }
    if (row) {
      const tone = find("#work[data-say]") ? "warn" : "bad";
      say(tone, fill(word("many"), { name: row.dataset.name }));
      return tone;
    }
    if (away) {
      say("bad", fill(word("foreign"), { code: item.code }));
      return "bad";
    }
    return "";
  }

  // ---------------------------------------------------------------- whether the server is there
  // A network without the server is no network: what counts is whether it answers.
  let away = !navigator.onLine || Boolean(root().dataset.kept);
  let waiting = 0;
  function setAway(gone) {
    away = gone;
    showAway();
    clearTimeout(waiting);
    if (gone) { waiting = setTimeout(look, 4000); }
  }
  function showAway() {
    const note = find("[data-away]");
    if (!note) { return; }
    note.hidden = !away;
    const kept = Number(root().dataset.kept || 0);
    const since = find("[data-kept-at]", note);
    since.hidden = !kept;
    since.textContent = kept ? fill(words.as_at, { time: new Intl.DateTimeFormat(document.documentElement.lang, { weekday: "short", hour: "2-digit", minute: "2-digit" }).format(kept) }) : "";
  }
  async function look() {
    if (read("scans").length) { pump(); return; }
    try {
      const answer = await fetch("/store/ping", { cache: "no-store", headers: { "HX-Request": "true" }, signal: AbortSignal.timeout(8000) });
      setAway(answer.status >= 500);
      if (!away && root().dataset.kept && !find("#work")) { location.reload(); }
    } catch {
      setAway(true);
    }
  }

  // ---------------------------------------------------------------- sending, one after the other
  let sending = false;
  let again = false;
  function showUnsent() {
    markUnsent();
    const note = find("[data-unsent]");
    const rows = read("scans");
    if (!note) { return; }
    note.hidden = !(away && rows.length);
    note.textContent = rows.length === 1 ? words.unsent_one : fill(words.unsent, { num: rows.length });
  }
  async function pump() {
    if (sending) { again = true; return; }
    sending = true;
    try {
      do {
        again = false;
        for (let first = read("scans")[0]; first; first = read("scans")[0]) {
          if (!await send(first)) { break; }
        }
      } while (again && !away);
    } finally {
      sending = false;
      showUnsent();
    }
  }
  // Whether the server has answered for good.
  async function send(item) {
    let answer, text;
    const fields = item.body || { code: item.code, ...(item.weight ? { weight: (item.weight / 1000).toFixed(3) } : {}) };
    try {
      answer = await fetch(item.action, {
        method: "POST", credentials: "same-origin", redirect: "manual", signal: AbortSignal.timeout(30000),
        headers: { "X-Scan": "yes", "HX-Request": "true", "X-Form-Token": root().dataset.store, "Content-Type": "application/x-www-form-urlencoded" },
        body: new URLSearchParams({ ...fields, _key: item.key }).toString(),
      });
      text = await answer.text();
    } catch {
      if (!item.told) { say("warn", fill(words.unsure, { code: item.name || item.code })); told(item); }
      setAway(true);
      return false;
    }
    if (answer.status === 401 || answer.status === 403) { setAway(false); say("warn", words.signed_out); return false; }
    if (answer.status >= 500 || answer.status === 429) { setAway(true); return false; }
    setAway(false);
    write("scans", read("scans").filter((row) => row.key !== item.key));
    settle(item, text);
    return true;
  }
  function told(item) {
    write("scans", read("scans").map((row) => (row.key === item.key ? { ...row, told: "warn" } : row)));
  }
  function settle(item, text) {
    const page = new DOMParser().parseFromString(text, "text/html");
    const fresh = find("#work", page);
    const tone = fresh && fresh.dataset.tone ? fresh.dataset.tone : fresh ? "" : "bad";
    const problem = fresh ? null : find(".error-detail", page) || find("main h1", page);
    const why = problem ? problem.textContent.trim() : "";
    const said = fresh && fresh.dataset.words ? fresh.dataset.words : why || fill(words.refused || "{code}", { code: item.name || item.code });
    const here = find("#work");
    if (fresh && window.comptoirKeep) { window.comptoirKeep.work(workOf(item), fresh); }
    if (fresh && here && fresh.dataset.action === here.dataset.action) {
      const open = all("details[open]", here).length;
      if (!open || tone) {
        const typed = all("input[id], select[id]", here).filter((one) => (one.type === "checkbox" ? false : one.value !== one.defaultValue && one.tagName === "INPUT"));
        here.replaceWith(document.importNode(fresh, true));
        typed.forEach((one) => { const now = document.getElementById(one.id); if (now && now.type !== "number") { now.value = one.value; } });
        countUnsent();
      }
      if (window.htmx) { window.htmx.process(find("#work")); }
    }
    if (tone) { say(tone, said, tone === item.told); }
    if (tone === "bad" || (fresh && fresh.dataset.anyway && !(here && fresh.dataset.action === here.dataset.action))) { refuse(item, said); }
    const lacks = fresh && (fresh.dataset.outcome || "").startsWith("weigh:") ? fresh.dataset.outcome.slice(6) : "";
    if (lacks && weigh(rowOf(lacks))) { return; }
    focusField();
  }
  function put(item) {
    const row = item.code ? rowOf(item.code) : null;
    const work = find("#work");
    const kept = { key: newKey(), at: Date.now(), told: "", name: row ? row.dataset.name : "", work: work ? work.dataset.action : "", ...item };
    if (!navigator.onLine) { away = true; }
    if (kept.whole) { all("#work [data-codes]").forEach((one) => count(one, Number(one.dataset.left))); say("good", away ? word("all_kept") : word("all_picked")); kept.told = "good"; }
    else { kept.told = judge(kept); }
    write("scans", [...read("scans"), kept]);
    showUnsent();
    if (away) { setAway(true); }
    pump();
  }
  function scanned(action, code, weight) {
    const row = rowOf(code);
    if (row && !weight && "weighed" in row.dataset && Number(row.dataset.left) && weigh(row)) { return; }
    const work = find("#work");
    const insists = code === anyway || (work && work.dataset.anyway === code);
    anyway = "";
    if (away && !insists && lotSpeaksAgainst(row, code)) { return; }
    put({ action, code, weight: weight || 0, ...(insists || (away && row && row.dataset.lots) ? { body: { code, anyway: "yes" } } : {}) });
  }
  // Without the server this device knows which lots lie here. A lot out of turn is taken when it is scanned once more.
  let anyway = "";
  function lotSpeaksAgainst(row, code) {
    const found = window.comptoirLots && window.comptoirLots.trouble(row, code);
    if (!found) { return false; }
    if (found.barred) { say("bad", fill(words.lot_barred, found)); return true; }
    anyway = code;
    say("warn", fill(words.lot_later, found), false, "bad");
    return true;
  }
  const field = () => find("#code") || find("#q");
  function focusField() {
    const input = find("#code");
    if (input && (document.activeElement === document.body || !document.activeElement)) { input.focus({ preventScroll: true }); }
  }

  // ---------------------------------------------------------------- forms
  // What is taken and put back waits its turn among the scans; all else needs the server's answer, and stays on the page without.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    // By its attributes: a field may be called "method".
    const given = (name) => form.getAttribute(name) || "";
    if (given("method") !== "post" || !form.closest("[data-store]") || given("hx-post") || given("target") || given("enctype").startsWith("multipart")) { return; }
    event.preventDefault();
    if (form.matches("[data-scans]")) { scan(form); } else if (form.matches("[data-weighs]")) { weighed(form); } else if (form.matches("[data-queue]")) { queued(form); } else { post(form, event.submitter); }
  }, true);
  function scan(form) {
    const input = form.elements.code;
    const code = input.value.trim();
    input.value = "";
    input.focus();
    if (code) { scanned(form.getAttribute("action"), code); }
  }
  function weighed(form) {
    const input = form.elements.weight;
    const typed = input.value.trim();
    const next = field();
    input.value = "";
    // A scanner types wherever the cursor stands: what is too long for a weight is a code.
    const weight = /^\d{1,5}([.,]\d{1,3})?$/.test(typed) ? Math.round(Number(typed.replace(",", ".")) * 1000) : 0;
    if (next) { next.focus({ preventScroll: true }); }
    if (weight) { scanned(form.getAttribute("action"), form.elements.code.value, weight); } else if (typed) { scanned(form.getAttribute("action"), typed); }
  }
  function queued(form) {
    const row = form.closest("[data-codes]");
    const body = Object.fromEntries([...new FormData(form)].filter(([name]) => !["_key", "_token"].includes(name)));
    if (form.dataset.queue === "all" || !row) { put({ action: form.getAttribute("action"), body, whole: true }); return; }
    const units = Number(body.quantity) * (form.dataset.queue === "back" ? -1 : 1);
    const details = form.closest("details");
    if (details) { details.open = false; }
    put({ action: form.getAttribute("action"), body, code: row.dataset.codes.split(" ")[0], units });
  }
  async function post(form, button) {
    const body = new URLSearchParams([...new FormData(form)]);
    if (button && button.name) { body.append(button.name, button.value); }
    let answer, text;
    try {
      answer = await fetch(form.getAttribute("action"), { method: "POST", credentials: "same-origin", headers: { "HX-Request": "true", "HX-Boosted": "true", "Content-Type": "application/x-www-form-urlencoded" }, body: body.toString() });
      text = await answer.text();
    } catch {
      say("warn", root().dataset.waits || words.waits);
      setAway(true);
      showUnsent();
      form.dispatchEvent(new Event("input", { bubbles: true })); // it has not been sent: what was typed is kept
      return;
    }
    if (answer.status === 401) { say("warn", words.signed_out); return; }
    const next = answer.headers.get("HX-Redirect");
    if (next) { setAway(false); location.assign(next); return; }
    const page = new DOMParser().parseFromString(text, "text/html");
    const main = find("#main", page);
    if (!main || (answer.status >= 500 && !find("[data-store]", page))) {
      say("bad", words.failed);
      if (answer.status >= 502) { setAway(true); }
      form.dispatchEvent(new Event("input", { bubbles: true }));
      return;
    }
    document.title = page.title;
    find("#main").replaceWith(document.importNode(main, true));
    if (window.htmx) { window.htmx.process(find("#main")); }
    if (root()) { setUp(); }
    scrollTo(0, 0);
    const first = find("#main [data-refused]") || find("#main");
    first.focus({ preventScroll: true });
  }
  addEventListener("online", look);
  addEventListener("offline", () => { setAway(true); showUnsent(); });

  // A scanner is a keyboard that does not look where the cursor is: what it types goes into the field.
  document.addEventListener("keydown", (event) => {
    if (!/^[0-9A-Z]$/.test(event.key) || event.ctrlKey || event.metaKey || event.altKey || find("dialog[open]")) { return; }
    const input = field();
    if (input && !event.target.closest("input, textarea, select")) { input.focus(); }
  }, true);

  // What is typed for the label is the tracking number of the box as well.
  document.addEventListener("input", (event) => {
    const twin = event.target.dataset && event.target.dataset.mirror && document.getElementById(event.target.dataset.mirror);
    if (twin) { twin.value = event.target.value; }
  });

  // ---------------------------------------------------------------- new work tells of itself
  let newest = null;
  function lookForNew() {
    const mark = find("[data-newest]");
    if (!mark) { return; }
    const number = Number(mark.dataset.newest);
    if (newest !== null && number > newest) {
      say("good", fill(words.new_work, { number: `F${number}` }), true);
      sound("new");
      if (document.hidden || !document.hasFocus()) { document.title = `● ${document.title.replace(/^● /, "")}`; }
      if (window.comptoirKeep) { window.comptoirKeep.all(); }
    }
    newest = Math.max(newest || 0, number);
  }
  document.addEventListener("htmx:afterSwap", lookForNew);
  document.addEventListener("htmx:sseMessage", lookForNew);
  addEventListener("focus", () => { document.title = document.title.replace(/^● /, ""); });

  // ---------------------------------------------------------------- what is shown on this page
  function setUp() {
    const texts = find("[data-store-words]");
    words = texts ? JSON.parse(texts.textContent) : {};
    // A page from this device's keep carries keys that were used perhaps: the server would take a new press for the old one.
    if (root().dataset.kept) { all("input[name=_key]").forEach((input) => { input.value = newKey(); }); }
    const choice = find("[data-voice]");
    if (choice) { choice.value = voice(); choice.closest("[hidden]")?.removeAttribute("hidden"); }
    const told = find("[data-away-page]");
    if (told) { all("[data-for]", told).forEach((part) => { part.hidden = !location.pathname.startsWith(part.dataset.for); }); }
    showRefused();
    countUnsent();
    showAway();
    showUnsent();
    lookForNew();
  }
  window.comptoirStore = { say, words: () => words, focusField };
  setUp();
  if (away) { look(); }
  pump();
})();
