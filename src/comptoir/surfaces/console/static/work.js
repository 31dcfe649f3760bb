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
  document.addEventListener("htmx:afterSwap", keepSheet); // what can be seen is kept: settling comes a moment later
  document.addEventListener("htmx:afterSettle", keepSheet);

  // A scanner is quicker than the network: each code is taken at once, waits its turn and is sent with the lines that the answer
  // before it gave. What is being typed meanwhile stays in the field. Counts and transfers (`data-scan`) are scanned like this.
  const scanned = [];
  let sending = false;
  let then = null;
  const sheet = () => document.querySelector("form[data-scan]");
  const isRefused = (form) => Boolean(form && form.elements.code && form.elements.code.getAttribute("aria-invalid"));
  async function sendScanned() {
    if (sending) { return; }
    sending = true;
    try {
      while (scanned.length && sheet()) {
        const form = sheet();
        const values = { ...Object.fromEntries(new FormData(form)), ...scanned[0], step: "add" };
        await window.htmx.ajax("POST", form.getAttribute("action"), { source: form, target: form, swap: "outerHTML", values });
        if (sheet() === form) { giveBack(form); break; }
        scanned.shift();
        if (isRefused(sheet())) {
          then = null;
          if (scanned.length && !(typing && typing.code)) { sayRefused(sheet()); }
        }
      }
    } catch { giveBack(sheet()); } finally { sending = false; }
    if (then && sheet() && !scanned.length) {
      window.htmx.process(sheet()); // the answer has just come: it may not have been looked at yet
      sheet().querySelector(`[name=step][value=${then}]`).click();
    }
    then = null;
  }
  // No answer: the code stands in the field again, to be sent once more.
  function giveBack(form) {
    const first = scanned.shift();
    if (form && first && !form.elements.code.value) { Object.entries(first).forEach(([name, value]) => { form.elements[name].value = value; }); }
  }
  // The next answer takes the refusal off the page, and whoever scans looks at the shelf: it stays as a message.
  function sayRefused(form) {
    const words = form.querySelector("#code-error");
    if (words) { window.comptoir.toast(words.textContent.trim(), "", "bad"); }
  }
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-scan]");
    if (!form || !window.htmx) { return; }
    const step = event.submitter ? event.submitter.value : "add";
    if (step !== "add" && !sending) { return; }
    event.preventDefault();
    event.stopPropagation();
    if (step !== "add") { then = step; return; }
    const { code, number } = form.elements;
    if (isRefused(form) && !sending && code.value !== code.defaultValue) { sayRefused(form); }
    if (code.value.trim()) { scanned.push({ code: code.value, number: number.value }); }
    code.value = number.value = "";
    code.focus();
    sendScanned();
  }, true);
  let typing = null;
  document.addEventListener("htmx:beforeSwap", () => {
    const form = sheet();
    // A refused code that stands in the field has been written by the server, not by a person.
    const typed = form && form.elements.code && sending && form.elements.code.value !== form.elements.code.defaultValue;
    typing = typed ? { code: form.elements.code.value, number: form.elements.number.value } : null;
  });
  document.addEventListener("htmx:afterSwap", () => {
    const form = sheet();
    if (!form || !form.elements.code || !sending) { return; }
    const { code, number } = form.elements;
    if (typing && typing.code) {
      if (isRefused(form)) { sayRefused(form); }
      code.value = typing.code;
      number.value = typing.number;
    } else if (code.value) { code.select(); }
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
