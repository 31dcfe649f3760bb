// The pages and the tasks of this store as they were last seen, for when the server cannot be reached. `store-worker.js` gives
// them; here they are fetched. They are dropped when somebody else signs in, stands elsewhere, or signs out (app.js).
(function () {
  "use strict";

  const root = document.querySelector("[data-store]");
  if (!root || !("serviceWorker" in navigator) || !("caches" in window)) { return; }
  const PAGES = "comptoir-store-pages";
  const ASSETS = "comptoir-store-assets";
  const LIST = "/store/kept";
  const EVERY = 30000;

  const forget = async () => { await caches.delete(PAGES); };
  async function known(cache) {
    const list = await cache.match(LIST, { ignoreVary: true });
    return list ? list.json() : { owner: "", pages: {}, at: 0 };
  }
  async function fetched(address) {
    const answer = await fetch(address, { cache: "no-store", credentials: "same-origin", headers: { "X-Keep": "yes" } });
    return answer.ok && !answer.redirected ? answer : null;
  }
  let running = null;
  let next = 0;
  async function all() {
    if (running) { return running; }
    running = work().catch(() => { /* away: what is kept stays */ }).finally(() => { running = null; });
    return running;
  }
  async function work() {
    const answer = await fetch(LIST, { cache: "no-store", credentials: "same-origin", headers: { "X-Keep": "yes", "HX-Request": "true" } });
    if (answer.status === 401 || answer.status === 403) { await forget(); return; }
    if (!answer.ok) { return; }
    const told = await answer.json();
    let cache = await caches.open(PAGES);
    let before = await known(cache);
    if (before.owner !== told.owner) {
      await forget();
      cache = await caches.open(PAGES);
      before = { owner: "", pages: {} };
    }
    const pages = {};
    for (const [address, version] of Object.entries(told.pages)) {
      if (version && before.pages[address] === version && await cache.match(address, { ignoreVary: true })) { pages[address] = version; continue; }
      const page = await fetched(address);
      if (!page) { continue; }
      await cache.put(address, page);
      pages[address] = version;
    }
    await cache.put(LIST, new Response(JSON.stringify({ owner: told.owner, pages, at: Date.now() }), { headers: { "Content-Type": "application/json" } }));
    for (const request of await cache.keys()) {
      const { pathname } = new URL(request.url);
      if (pathname !== LIST && !(pathname in pages)) { await cache.delete(request); }
    }
    await assets();
    document.documentElement.dataset.kept = Object.keys(pages).length;
  }
  // What a page is made of beside its text. An older version of a file goes when the new one is there.
  async function assets() {
    const cache = await caches.open(ASSETS);
    const wanted = new Set(Array.from(document.querySelectorAll("link[href^='/static/'], script[src^='/static/'], [data-reader]"), (part) => part.dataset.reader || part.href || part.src));
    document.querySelectorAll("link[href^='/static/'], script[src^='/static/']").forEach((part) => wanted.add(part.href || part.src));
    const sprite = document.querySelector("svg use");
    if (sprite) { wanted.add(sprite.getAttribute("href").split("#")[0]); }
    const files = new Set(Array.from(wanted, (address) => new URL(address, location.href).href));
    for (const address of files) {
      if (await cache.match(address, { ignoreVary: true })) { continue; }
      const answer = await fetch(address).catch(() => null);
      if (answer && answer.ok) { await cache.put(address, answer); }
    }
    const paths = new Set(Array.from(files, (address) => new URL(address).pathname));
    for (const request of await cache.keys()) {
      if (paths.has(new URL(request.url).pathname) && !files.has(request.url)) { await cache.delete(request); }
    }
  }
  // The server has just told how far a task is: the kept page says the same.
  async function keepWork(address, fresh) {
    if (!("kept" in document.documentElement.dataset) && !(await caches.has(PAGES))) { return; }
    const cache = await caches.open(PAGES);
    const page = await cache.match(address, { ignoreVary: true });
    if (!page) { return; }
    const headers = new Headers(page.headers);
    const kept = new DOMParser().parseFromString(await page.text(), "text/html");
    const old = kept.querySelector("#work");
    if (!old) { return; }
    const work = kept.importNode(fresh, true);
    ["tone", "words", "outcome"].forEach((name) => { delete work.dataset[name]; });
    old.replaceWith(work);
    headers.set("Date", new Date().toUTCString());
    headers.delete("Content-Encoding");
    headers.delete("Content-Length");
    await cache.put(address, new Response(`<!doctype html>\n${kept.documentElement.outerHTML}`, { headers }));
  }
  window.comptoirKeep = { all, work: (address, fresh) => keepWork(address, fresh).catch(() => { /* full or forbidden */ }) };

  navigator.serviceWorker.register("/store/worker.js", { scope: "/store" }).then(() => {
    if (root.dataset.kept || root.dataset.keep === "no") { return; }
    all();
    next = setInterval(() => { if (!document.hidden && navigator.onLine) { all(); } }, EVERY);
  }).catch(() => { /* forbidden here: the pages work with the server alone */ });
  addEventListener("pagehide", () => clearInterval(next));
})();
