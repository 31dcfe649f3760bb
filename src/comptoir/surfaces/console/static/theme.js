// Runs before the first paint, so that a dark page never flashes white. What was chosen here wins over the account's setting.
(function () {
  "use strict";
  const root = document.documentElement;
  let chosen = null;
  try { chosen = localStorage.getItem("theme"); } catch { /* storage may be forbidden; the account's setting stands */ }
  const wanted = chosen || root.dataset.theme;
  const dark = wanted === "dark" || (wanted !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  root.dataset.bsTheme = dark ? "dark" : "light";
  root.classList.add("js");
})();
