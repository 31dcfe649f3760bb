// Codes that are read into a form of lines: products of a new order, and what has come of a transfer.
(function () {
  "use strict";

  const find = (selector, from) => (from || document).querySelector(selector);
  const all = (selector, from) => Array.from((from || document).querySelectorAll(selector));
  const plain = (code) => (/^\d+$/.test(code) ? code.replace(/^0+/, "") : code.toUpperCase());
  const changed = () => document.body.dispatchEvent(new Event("comptoir:rows"));

  function unread(input, code) {
    const note = find("[data-unread]", input.form || document);
    if (!note) { return; }
    note.hidden = !code;
    note.textContent = code ? note.dataset.unread.replace("{code}", code) : "";
  }
  function more(field) {
    field.value = Number(field.value || 0) + 1;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }
  // A product of a new order: one more of what is there already, or a new line.
  async function product(input, code) {
    const parameters = new URLSearchParams({ read: code, channel: (find("#channel") || {}).value || "" });
    if (find("#from")) { parameters.set("from", find("#from").value); }
    let answer;
    try {
      answer = await fetch(`/orders/new/line?${parameters}`, { headers: { "HX-Request": "true" } });
    } catch {
      return;
    }
    if (!answer.ok) { unread(input, code); return; }
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body.firstElementChild;
    const sku = find("[name=sku]", fresh).value;
    const known = all("#lines [name=sku]").find((field) => field.value === sku);
    if (known) { more(find("[name=quantity]", known.closest("[data-row]"))); } else { find("#lines").append(fresh); window.htmx.process(fresh); }
    unread(input, "");
    input.value = "";
    find("#found").replaceChildren();
    changed();
    input.focus();
  }
  // What has come: the first code that is read counts from nothing on.
  function line(input, code) {
    const row = all("[data-codes]", input.form).find((one) => one.dataset.codes.split(" ").some((known) => plain(known) === plain(code)));
    input.value = "";
    unread(input, row ? "" : code);
    if (!row) { return; }
    if (!input.dataset.begun) {
      input.dataset.begun = "yes";
      all("[data-codes] input", input.form).forEach((field) => { field.value = ""; });
    }
    const field = find("input", row);
    more(field);
    row.classList.remove("item-hit");
    void row.offsetWidth;
    row.classList.add("item-hit");
  }
  function take(input) {
    const code = input.value.trim();
    if (code) { (input.dataset.reads === "products" ? product : line)(input, code); }
  }
  document.addEventListener("read", (event) => { if (event.target.matches("[data-reads]")) { take(event.target); } });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches && event.target.matches("[data-reads]")) {
      event.preventDefault();
      take(event.target);
    }
  }, true);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-choose]");
    const field = button && document.getElementById(button.dataset.choose);
    if (!field) { return; }
    field.value = button.dataset.value;
    const service = document.getElementById("service");
    if (service && button.dataset.service) { service.value = button.dataset.service; }
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });
  document.addEventListener("htmx:afterSwap", (event) => { if (event.target.id === "lines") { changed(); } });
  document.addEventListener("comptoir:rows", changed);
})();
