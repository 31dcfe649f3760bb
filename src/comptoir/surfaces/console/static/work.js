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
