// Blanks in which things are ticked: the sentence says at once what is, and long lists can be searched.
(function () {
  "use strict";

  const SHOWN = 4;
  const listed = (area) => area.value.split(/[\n\t,;]/).map((line) => line.trim()).filter(Boolean);
  function words(pick) {
    const ticked = Array.from(pick.querySelectorAll("input[type=checkbox]:checked:not([data-pick-line])"), (box) => box.closest("label").textContent.trim());
    const other = pick.querySelector("[data-pick-other]");
    if (other && other.value.trim()) { ticked.push(other.value.trim()); }
    const lines = pick.querySelector("[data-pick-lines]");
    if (lines) { ticked.push(...listed(lines)); }
    if (!ticked.length) { return pick.dataset.nothing; }
    if (ticked.length > SHOWN + 1) { return ticked.slice(0, SHOWN).join(", ") + " +" + (ticked.length - SHOWN); }
    return new Intl.ListFormat(document.documentElement.lang, { type: "conjunction" }).format(ticked);
  }
  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  document.addEventListener("input", (event) => {
    const pick = event.target.closest("[data-pick]");
    if (!pick) { return; }
    if (event.target.matches("[data-pick-find]")) {
      const wanted = plain(event.target.value.trim());
      pick.querySelectorAll(".pick-rows label").forEach((row) => { row.hidden = !plain(row.textContent).includes(wanted); });
    } else if (event.target.matches("[data-pick-line]")) {
      const area = pick.querySelector("[data-pick-lines]");
      const rest = listed(area).filter((line) => line !== event.target.value);
      area.value = (event.target.checked ? [...rest, event.target.value] : rest).join("\n");
      area.dispatchEvent(new Event("input", { bubbles: true }));
    } else {
      pick.querySelector("[data-pick-words]").textContent = words(pick);
      tick(pick);
    }
  });
  // What was found is ticked as long as it stands in the list.
  function tick(pick) {
    const area = pick.querySelector("[data-pick-lines]");
    const there = new Set(area ? listed(area) : []);
    pick.querySelectorAll("[data-pick-line]").forEach((box) => { box.checked = there.has(box.value); });
  }
  document.addEventListener("htmx:afterSwap", (event) => {
    const pick = event.target.closest("[data-pick]");
    if (pick) { tick(pick); }
  });
  // Enter in the search would send the whole form.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("[data-pick-find]")) { event.preventDefault(); }
  });
})();
