// Gives the pages of the store as they were last seen when the server cannot be reached. It keeps nothing by itself: what is
// kept, and until when, is for `store-keep.js` and `app.js` to say.
"use strict";

const PAGES = "comptoir-store-pages";
const ASSETS = "comptoir-store-assets";
const PATIENCE = 10000;
const OLDEST = 48 * 3600 * 1000;
const HELD = { ignoreVary: true };

self.addEventListener("install", () => { self.skipWaiting(); });
self.addEventListener("activate", (event) => { event.waitUntil(self.clients.claim()); });
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) { return; }
  if (pathname.startsWith("/static/")) { event.respondWith(asset(request)); return; }
  const ours = pathname === "/store" || pathname.startsWith("/store/");
  if (request.mode === "navigate" && ours && !pathname.startsWith("/store/papers/") && !pathname.endsWith(".pdf")) { event.respondWith(page(request)); }
});

async function asset(request) {
  const cache = await caches.open(ASSETS);
  return (await cache.match(request, HELD)) || fetch(request);
}

async function page(request) {
  let waited = 0;
  const patience = new Promise((resolve) => { waited = setTimeout(resolve, PATIENCE); });
  const asked = fetch(request).catch(() => null);
  const answer = await Promise.race([asked, patience]);
  clearTimeout(waited);
  if (answer && ![502, 503, 504].includes(answer.status)) { return answer; }
  return (await kept(request)) || (await asked) || Response.error();
}

// The page itself, or the one that says what has to wait. What is too old is nobody's business any more.
async function kept(request) {
  if (!(await caches.has(PAGES))) { return null; }
  const cache = await caches.open(PAGES);
  const { pathname } = new URL(request.url);
  for (const address of [pathname, "/store/away"]) {
    const found = await cache.match(address, HELD);
    const at = found ? Date.parse(found.headers.get("Date") || "") || Date.now() : 0;
    if (found && Date.now() - at > OLDEST) { await caches.delete(PAGES); return null; }
    if (found) {
      const text = await found.text();
      const headers = new Headers(found.headers);
      headers.set("Cache-Control", "no-store");
      headers.delete("Content-Encoding");
      headers.delete("Content-Length");
      return new Response(text.replace(" data-store=", ` data-kept="${at}" data-store=`), { headers });
    }
  }
  return null;
}
