// What the pages of stock, imports and settings do in the browser beside app.js and pages.js.
(function () {
  "use strict";

  // A count that is under way is kept on this device: a dead battery or a wrong button must not cost an hour of scanning.
  const sheetKey = (form) => "sheet:" + form.dataset.sheet;
  function keepSheet() {
    const form = document.querySelector("form[data-sheet]");
    if (!form) { return; }
    const lines = Array.from(new FormData(form)).filter(([name]) => /^(counted|expected):/.test(name));
    try {
      if (lines.length) { localStorage.setItem(sheetKey(form), JSON.stringify(lines)); }
      else if (form.dataset.told) { localStorage.removeItem(sheetKey(form)); }
    } catch { /* full or forbidden */ }
    form.dataset.told = "yes";
  }
  function restoreSheet() {
    const form = document.querySelector("form[data-sheet]");
    if (!form || form.dataset.lines !== "0") { return; }
    let lines = null;
    try { lines = JSON.parse(localStorage.getItem(sheetKey(form))); } catch { /* forbidden */ }
    if (!lines || !lines.length) { return; }
    const values = Object.fromEntries(new FormData(form));
    lines.forEach(([name, value]) => { values[name] = value; });
    values.step = "back";
    window.htmx.ajax("POST", form.getAttribute("action"), { target: form, swap: "outerHTML", values });
  }
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    // It has been written: the server sends the browser on.
    const form = event.target.closest && event.target.closest("form[data-sheet]");
    if (form && event.detail.xhr.getResponseHeader("HX-Redirect")) {
      try { localStorage.removeItem(sheetKey(form)); } catch { /* forbidden */ }
      form.removeAttribute("data-sheet");
    }
  });
  document.addEventListener("input", (event) => { if (event.target.closest("form[data-sheet]")) { keepSheet(); } });
  document.addEventListener("htmx:afterSettle", keepSheet);

  // A scanner is quicker than the network: each code is taken at once, waits its turn and is sent with the lines that the answer
  // before it gave. What is being typed meanwhile stays in the field.
  const scanned = [];
  let sending = false;
  let then = null;
  const sheet = () => document.querySelector("form[data-sheet]");
  async function sendScanned() {
    if (sending) { return; }
    sending = true;
    try {
      while (scanned.length && sheet()) {
        const form = sheet();
        const values = { ...Object.fromEntries(new FormData(form)), ...scanned[0], step: "add" };
        await window.htmx.ajax("POST", form.getAttribute("action"), { target: form, swap: "outerHTML", values });
        if (sheet() === form) { giveBack(form); break; }
        scanned.shift();
        if (sheet() && sheet().elements.code.getAttribute("aria-invalid")) { break; }
      }
    } catch { giveBack(sheet()); } finally { sending = false; }
    if (then && sheet() && !scanned.length) { sheet().requestSubmit(sheet().querySelector(`[name=step][value=${then}]`)); }
    then = null;
  }
  // No answer: the code stands in the field again, to be sent once more.
  function giveBack(form) {
    const first = scanned.shift();
    if (form && first && !form.elements.code.value) { Object.entries(first).forEach(([name, value]) => { form.elements[name].value = value; }); }
  }
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-sheet]");
    if (!form || !window.htmx) { return; }
    const step = event.submitter ? event.submitter.value : "add";
    if (step !== "add" && !sending) { return; }
    event.preventDefault();
    event.stopPropagation();
    if (step !== "add") { then = step; return; }
    const { code, number } = form.elements;
    if (code.value.trim()) { scanned.push({ code: code.value, number: number.value }); }
    code.value = number.value = "";
    code.focus();
    sendScanned();
  }, true);
  let typing = null;
  document.addEventListener("htmx:beforeSwap", () => {
    const form = sheet();
    typing = form && form.elements.code && sending ? { code: form.elements.code.value, number: form.elements.number.value } : null;
  });
  document.addEventListener("htmx:afterSwap", () => {
    const form = sheet();
    if (!form || !form.elements.code || !sending) { return; }
    const { code, number } = form.elements;
    if (typing && typing.code) { code.value = typing.code; number.value = typing.number; } else if (code.value) { code.select(); }
  });

  document.addEventListener("click", (event) => { if (event.target.closest("[data-print]")) { window.print(); } });

  // Copies a secret that is shown once.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) { return; }
    const field = document.getElementById(button.dataset.copy);
    field.select();
    try { await navigator.clipboard.writeText(field.value); } catch { document.execCommand("copy"); }
    button.querySelector("[data-copy-word]").textContent = button.dataset.copied;
  });

  document.addEventListener("DOMContentLoaded", restoreSheet);
  if (document.readyState !== "loading") { restoreSheet(); }
})();
