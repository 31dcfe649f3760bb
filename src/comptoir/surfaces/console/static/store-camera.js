// A camera that reads labels into the field beside its button. Browsers without a detector of their own load one, when it is used.
(function () {
  "use strict";

  const here = document.currentScript;
  const find = (selector, from) => (from || document).querySelector(selector);
  const reader = here ? here.dataset.reader : "";
  const words = () => { const told = find("[data-camera-words]") || find("[data-store-words]"); return told ? JSON.parse(told.textContent) : {}; };
  const able = Boolean(navigator.mediaDevices && navigator.mediaDevices.getUserMedia);
  const allowed = !document.featurePolicy || document.featurePolicy.allowsFeature("camera");

  let library = null;
  function load() {
    library = library || new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = reader;
      script.onload = () => resolve(window.zxing);
      script.onerror = () => { library = null; reject(new Error("no reader")); };
      document.head.append(script);
    });
    return library;
  }
  async function detector() {
    if ("BarcodeDetector" in window) {
      const known = window.BarcodeDetector.getSupportedFormats ? await window.BarcodeDetector.getSupportedFormats().catch(() => []) : ["any"];
      if (known.length) { return new window.BarcodeDetector(); }
    }
    const { Detector } = await load();
    return new Detector();
  }
  function fieldOf(button) {
    return button.dataset.camera ? find(button.dataset.camera) : find("input:not([type=hidden])", button.parentElement) || find("#code") || find("#q");
  }
  async function look(input) {
    const said = words();
    let stream, eye;
    try {
      [stream, eye] = await Promise.all([navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } } }), detector()]);
    } catch {
      if (window.comptoirStore) { window.comptoirStore.say("warn", said.no_camera || ""); }
      if (stream) { stream.getTracks().forEach((track) => track.stop()); }
      input.focus();
      return;
    }
    const view = document.createElement("dialog");
    const video = Object.assign(document.createElement("video"), { autoplay: true, muted: true, playsInline: true, srcObject: stream });
    const stop = Object.assign(document.createElement("button"), { type: "button", className: "btn", textContent: said.stop || "×" });
    view.className = "camera-view store";
    view.setAttribute("aria-label", said.camera || "");
    view.append(video, Object.assign(document.createElement("p"), { textContent: said.camera || "" }), stop);
    stop.addEventListener("click", () => view.close());
    let last = { code: "", at: 0 };
    let running = true;
    view.addEventListener("close", () => {
      running = false;
      stream.getTracks().forEach((track) => track.stop());
      view.remove();
      if (window.comptoirStore) { window.comptoirStore.focusField(); }
    });
    document.body.append(view);
    view.showModal();
    while (running) {
      await new Promise((resume) => setTimeout(resume, 150));
      const codes = await eye.detect(video).catch(() => []);
      if (!running || !codes.length) { continue; }
      const code = codes[0].rawValue.trim();
      // The same label stays in view for a while: it is read again only after a pause.
      const again = code === last.code && Date.now() - last.at < 2000;
      last = { code, at: Date.now() };
      if (again || !code) { continue; }
      if (!input.isConnected) { view.close(); break; }
      input.value = code;
      // Where piece after piece is scanned, it goes on looking; where one code is asked for, that was it.
      const on = input.form && input.form.matches("[data-scans], [data-scan]");
      if (!on) { view.close(); }
      if (input.matches("[data-reads]")) { input.dispatchEvent(new CustomEvent("read", { bubbles: true, detail: code })); } else { input.form.requestSubmit(find("button[type=submit][value=add]", input.form)); }
    }
  }
  function show() {
    if (able && allowed) { document.querySelectorAll("[data-camera]").forEach((button) => { button.hidden = false; }); }
  }
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-camera]");
    const input = button && fieldOf(button);
    if (input) { look(input); }
  });
  document.addEventListener("htmx:afterSwap", show);
  new MutationObserver(show).observe(find("#main") ? find("#main").parentElement : document.body, { childList: true });
  show();
})();
