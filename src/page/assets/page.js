"use strict";
// The page follows what happens: whenever the daemon says that something changed, the parts marked data-live are fetched
// anew and replaced. Without this script the page is the same, as of when it was loaded.
(() => {
  const live = () => document.querySelectorAll("[data-live]");
  if (!window.EventSource || !live().length) return;
  let source, timer, running = false, again = false;

  const isTyping = (part) => {
    const active = document.activeElement;
    if (part.contains(active) && active.matches("input:not([type=hidden]), textarea, select")) return true;
    return [...part.querySelectorAll("input, textarea")].some((field) =>
      field.type === "checkbox" || field.type === "radio" ? field.checked !== field.defaultChecked
        : field.type !== "hidden" && field.value !== field.defaultValue);
  };

  // Where the focus is, so that it can be put there again.
  const focusOf = (part) => {
    const active = document.activeElement;
    if (!part.contains(active) || active === part) return () => {};
    const all = (root) => [...root.querySelectorAll("a, button, summary, [tabindex]")];
    const at = all(part).indexOf(active);
    const { id } = active, href = active.getAttribute("href");
    return () => {
      const now = all(part);
      const found = (id && document.getElementById(id)) || now.find((one) => href && one.getAttribute("href") === href) || now[at];
      if (found) found.focus({ preventScroll: true });
    };
  };

  const swap = (part, fresh) => {
    if (part.isEqualNode(fresh) || isTyping(part)) return;
    const open = new Set([...part.querySelectorAll("details[open][id]")].map((one) => one.id));
    const closed = new Set([...part.querySelectorAll("details:not([open])[id]")].map((one) => one.id));
    const scrolled = [...part.querySelectorAll(".scroll")].map((one) => one.scrollLeft);
    const refocus = focusOf(part);
    for (const name of ["class", "aria-busy"]) {
      if (fresh.hasAttribute(name)) part.setAttribute(name, fresh.getAttribute(name));
      else part.removeAttribute(name);
    }
    part.replaceChildren(...document.adoptNode(fresh).childNodes);
    part.querySelectorAll("details[id]").forEach((one) => {
      if (open.has(one.id)) one.open = true;
      if (closed.has(one.id)) one.open = false;
    });
    part.querySelectorAll(".scroll").forEach((one, at) => { one.scrollLeft = scrolled[at] || 0; });
    refocus();
  };

  const refresh = async () => {
    if (document.hidden || running) { again = true; return; }
    running = true;
    again = false;
    try {
      const answer = await fetch(location.href, { headers: { "x-live": "1" }, cache: "no-store" });
      if (answer.ok && !answer.redirected) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        for (const part of live()) {
          const now = fresh.querySelector(`[data-live="${CSS.escape(part.dataset.live)}"]`);
          if (now) swap(part, now);
        }
        document.title = fresh.title;
      }
    } catch { /* The daemon is being restarted: the next event brings it back. */ }
    running = false;
    if (again && !document.hidden) soon(500);
  };

  const soon = (wait) => {
    clearTimeout(timer);
    // Many who watch do not all ask in the same moment.
    timer = setTimeout(refresh, wait + Math.random() * 150);
  };

  const listen = () => {
    source = new EventSource("/live");
    source.onmessage = () => soon(0);
  };

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { source.close(); return; }
    if (source.readyState === EventSource.CLOSED) listen();
    soon(0);
  });
  window.addEventListener("pagehide", () => source.close());
  window.addEventListener("pageshow", (event) => { if (event.persisted) { listen(); soon(0); } });
  // "2 min ago" grows old by itself.
  setInterval(() => { if (!document.hidden) soon(0); }, 60000);
  listen();
})();
