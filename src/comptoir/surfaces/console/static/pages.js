// What single pages add to app.js: actions that open in a dialog, rows that are taken away, and streams that rest unseen.
(function () {
  "use strict";

  // An action's link loads its form into the dialog; without JavaScript it leads to the same form as a page.
  document.addEventListener("htmx:afterSwap", (event) => {
    const dialog = event.target.closest && event.target.closest("dialog");
    if (dialog && !dialog.open && event.detail.xhr && event.detail.xhr.status < 400) { dialog.showModal(); }
    const first = dialog && dialog.querySelector("[data-refused], [aria-invalid=true], input:not([type=hidden]), select, textarea");
    if (first) { first.focus(); }
  });
  document.addEventListener("click", (event) => {
    const away = event.target.closest("[data-dismiss]");
    const dialog = away && away.closest("dialog");
    if (dialog) { event.preventDefault(); dialog.close(); }
    const row = event.target.closest("[data-remove]");
    if (row) { row.closest("[data-row]").remove(); document.dispatchEvent(new Event("comptoir:rows")); }
    const all = event.target.closest("[data-check-all]");
    if (all) { document.querySelectorAll(all.dataset.checkAll).forEach((box) => { box.checked = all.checked; }); }
  });
  // Enter in a field with a button of its own presses that one.
  document.addEventListener("keydown", (event) => {
    const own = event.key === "Enter" && event.target.closest && event.target.closest("[data-enter]");
    if (own) { event.preventDefault(); document.getElementById(own.dataset.enter).click(); }
  });
  // Twice the same button is once: the server sees to it, this only says so.
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (button && event.target.matches("form[method=post]")) {
      setTimeout(() => { button.setAttribute("aria-busy", "true"); }, 0);
      setTimeout(() => { button.removeAttribute("aria-busy"); }, 4000);
    }
  });

  // A stream that nobody looks at is closed, and opened again when the page is looked at.
  function Resting(address) {
    const target = new EventTarget();
    let source = null;
    const heard = new Map();
    const pass = (event) => {
      const copy = new MessageEvent(event.type, { data: event.data, lastEventId: event.lastEventId });
      target.dispatchEvent(copy);
    };
    const attach = (name) => { if (source) { source.addEventListener(name, pass); } };
    const open = () => {
      source = new EventSource(address, { withCredentials: true });
      source.onopen = () => { if (target.onopen) { target.onopen(new Event("open")); } };
      source.onerror = (event) => {
        if (target.onerror) { target.onerror(event); }
        if (source && source.readyState === EventSource.CLOSED) { source = null; setTimeout(() => { if (!source && !document.hidden && !target.over) { open(); } }, 3000); }
      };
      heard.forEach((_, name) => attach(name));
    };
    const listen = target.addEventListener.bind(target);
    target.addEventListener = (name, listener) => {
      if (!heard.has(name)) { heard.set(name, true); attach(name); }
      listen(name, listener);
    };
    target.close = () => { target.over = true; document.removeEventListener("visibilitychange", turn); if (source) { source.close(); source = null; } };
    Object.defineProperty(target, "readyState", { get: () => (source ? source.readyState : 0) });
    const turn = () => {
      if (document.hidden && source) { source.close(); source = null; }
      else if (!document.hidden && !source && !target.over) { open(); }
    };
    document.addEventListener("visibilitychange", turn);
    open();
    return target;
  }
  if (window.htmx) { window.htmx.createEventSource = Resting; }
})();
