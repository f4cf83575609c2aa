"use strict";
// The page follows what happens: whenever the daemon says that something changed, the parts marked data-live are fetched
// anew and replaced. Without this script the page is the same, as of when it was loaded.
(() => {
  const live = () => document.querySelectorAll("[data-live]");
  if (!window.EventSource || !document.querySelector("main [data-live]")) return;
  let source, timer, retry, running = false, again = false, lost = 0, seen = new Date();

  const isTyping = (part) => {
    const active = document.activeElement;
    if (part.contains(active) && active.matches("input:not([type=hidden]), textarea, select")) return true;
    return [...part.querySelectorAll("input, textarea")].some((field) =>
      field.type === "checkbox" || field.type === "radio" ? field.checked !== field.defaultChecked
        : field.type !== "hidden" && field.value !== field.defaultValue);
  };

  // Where the focus is, so that it can be put there again: by its own id, or as what it is within the nearest thing with one. A
  // hold that comes in above must not have the next key press decide about another.
  const focusOf = (part) => {
    const active = document.activeElement;
    if (!part.contains(active) || active === part) return () => {};
    const near = active.closest("[id]"), home = part.contains(near) ? near : part;
    const { id } = home, href = active.getAttribute("href");
    const alike = (root) => [...root.querySelectorAll("a, button, summary, [tabindex]")].filter((one) =>
      one.tagName === active.tagName && (href ? one.getAttribute("href") === href : one.textContent === active.textContent));
    const at = alike(home).indexOf(active);
    return () => {
      const now = home === part ? part : document.getElementById(id);
      const found = now && (home === active ? now : alike(now)[at]);
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
        seen = new Date();
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

  // A page that nobody tells of changes grows old, and says so: not while a connection is merely made anew.
  const notice = document.createElement("p");
  notice.className = "notice old";
  notice.setAttribute("role", "status");
  const admit = () => {
    const time = seen.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    notice.textContent = `Not connected to stemsync: this is how it was at ${time}. The page goes on by itself.`;
    document.getElementById("main").prepend(notice);
  };

  const listen = () => {
    clearTimeout(retry);
    source = new EventSource("/live");
    source.onmessage = () => soon(0);
    // What changed while nobody listened is told to nobody.
    source.onopen = () => {
      if (!lost) return;
      clearTimeout(lost);
      lost = 0;
      notice.remove();
      soon(0);
    };
    source.onerror = () => {
      lost ||= setTimeout(admit, 5000);
      // The browser tries again by itself, unless something else answered than it hoped for: a proxy in the daemon's place,
      // or the daemon that has no room.
      if (source.readyState === EventSource.CLOSED) retry = setTimeout(listen, 3000 + Math.random() * 2000);
    };
  };
  const stop = () => { clearTimeout(retry); source.close(); };

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { stop(); return; }
    if (source.readyState === EventSource.CLOSED) listen();
    soon(0);
  });
  window.addEventListener("pagehide", stop);
  window.addEventListener("pageshow", (event) => { if (event.persisted) { listen(); soon(0); } });
  // "2 min ago" grows old by itself.
  setInterval(() => { if (!document.hidden) soon(0); }, 60000);
  listen();
})();
