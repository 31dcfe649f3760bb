// What a label says beside its number, and whether that lot may be taken here: the same questions as the server asks, for a phone
// that cannot reach it. The lots of a row are kept with its page, what expires first first.
(function () {
  "use strict";

  const SEPARATOR = "\x1d";
  const LENGTHS = { "00": 18, "01": 14, "02": 14, 11: 6, 12: 6, 13: 6, 15: 6, 16: 6, 17: 6, 20: 2 };

  // `231200` is the last day of December.
  function dayOf(text) {
    if (!/^\d{6}$/.test(text)) { return ""; }
    const [year, month, day] = [2000 + Number(text.slice(0, 2)), Number(text.slice(2, 4)), Number(text.slice(4))];
    const date = day ? new Date(Date.UTC(year, month - 1, day)) : new Date(Date.UTC(year, month, 0));
    return date.toISOString().slice(0, 10);
  }

  // Of a GS1 element string its number, lot and day; null for any other code.
  function labelOf(code) {
    let rest = code.trim().replace(/^\](C1|d2|Q3|e0)/, "").replace(/^\x1d/, "");
    if (!/^0[12]\d{14}/.test(rest)) { return null; }
    const found = {};
    while (rest) {
      const ai = rest.slice(0, 2);
      const measure = /^3[1-6]/.test(ai);
      const start = measure ? 4 : 2;
      const length = measure ? 6 : LENGTHS[ai];
      const end = length ? start + length : rest.includes(SEPARATOR) ? rest.indexOf(SEPARATOR) : rest.length;
      found[ai] = rest.slice(start, end);
      rest = rest.slice(Math.max(end, 1)).replace(/^\x1d/, "");
    }
    return { number: found["01"] || found["02"], lot: found["10"] || "", day: dayOf(found["17"] || found["15"] || "") };
  }

  // What speaks against a lot: {barred, lot}, or {first, lot} where another one is to be taken before it.
  function trouble(row, code) {
    const label = row && row.dataset.lots !== undefined ? labelOf(code) : null;
    const lot = label ? label.lot || label.day : "";
    if (!lot) { return null; }
    const today = new Date().toLocaleDateString("sv");
    if (JSON.parse(row.dataset.barred || "[]").includes(lot) || (label.day && label.day < today)) { return { barred: true, lot }; }
    const here = JSON.parse(row.dataset.lots);
    const own = here.find(([name]) => name === lot);
    const day = (own ? own[1] : label.day) || "9999";
    return here.length && here[0][0] !== lot && (here[0][1] || "9999") < day ? { first: here[0][0], lot } : null;
  }

  window.comptoirLots = { labelOf, trouble };
}());
