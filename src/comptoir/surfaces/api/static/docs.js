// The page of the API is light or dark as the reader's device is. The colours are those of docs.css.
(function () {
  "use strict";

  const dark = matchMedia("(prefers-color-scheme: dark)");
  const looks = {
    light: { theme: "light", "bg-color": "#ffffff", "text-color": "#22302e", "nav-bg-color": "#f6f5f1", "nav-text-color": "#22302e", "primary-color": "#0f766e", "nav-accent-color": "#0f766e", "header-color": "#0f766e" },
    dark: { theme: "dark", "bg-color": "#141614", "text-color": "#eceae3", "nav-bg-color": "#101210", "nav-text-color": "#eceae3", "primary-color": "#5cc0b5", "nav-accent-color": "#5cc0b5", "header-color": "#5cc0b5" },
  };
  function dress() {
    const page = document.querySelector("rapi-doc");
    Object.entries(looks[dark.matches ? "dark" : "light"]).forEach(([name, value]) => { page.setAttribute(name, value); });
  }
  // Calls go to where this page comes from, whatever name it is reached by: the page's policy lets no other through.
  document.querySelector("rapi-doc").addEventListener("before-render", (event) => { event.detail.spec.servers = [{ url: location.origin }]; });
  dark.addEventListener("change", dress);
  dress();
})();
