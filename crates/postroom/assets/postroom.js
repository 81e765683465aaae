// Postroom's pages work without this file. It adds: keys, live parts, actions in place, copying, the theme's switch and
// times that stay true. One file, no dependency.
"use strict";
(() => {
  const doc = document;
  const $ = (selector, within = doc) => within.querySelector(selector);
  const $$ = (selector, within = doc) => [...within.querySelectorAll(selector)];
  const still = matchMedia("(prefers-reduced-motion: reduce)");

  doc.documentElement.dataset.script = "on";

  // ---- what a page's new parts need, also after they were replaced
  const prepare = (within) => {
    for (const button of $$("[data-copy][hidden]", within)) button.hidden = false;
    for (const element of $$("[data-without-script]", within)) element.hidden = true;
    for (const element of $$("[data-needs-script]", within)) element.hidden = false;
  };

  const say = (text, bad = false) => {
    const box = $("[data-toasts]");
    if (!box || !text) return;
    const toast = doc.createElement("p");
    toast.className = bad ? "toast bad" : "toast";
    toast.textContent = text;
    box.append(toast);
    setTimeout(() => toast.remove(), bad ? 10000 : 4000);
  };

  // ---- times, in the same words as src/web/times.rs
  const words = (seconds) => {
    const span = Math.abs(seconds);
    if (span < 5) return "now";
    const days = Math.floor(span / 86400);
    const [amount, unit] =
      span < 60 ? [span, "s"]
      : span < 3600 ? [Math.floor(span / 60), "min"]
      : span < 86400 ? [Math.floor(span / 3600), "h"]
      : span < 5184000 ? [days, days === 1 ? "day" : "days"]
      : span < 63072000 ? [Math.floor(span / 2592000), "months"]
      : [Math.floor(span / 31536000), "years"];
    return seconds > 0 ? `in ${amount} ${unit}` : `${amount} ${unit} ago`;
  };
  const tick = () => {
    const now = Date.now();
    for (const time of $$("time[data-ago]")) {
      const text = words(Math.round((Date.parse(time.dateTime) - now) / 1000));
      if (time.textContent !== text) time.textContent = text;
    }
  };
  setInterval(() => doc.hidden || tick(), 5000);

  // ---- live parts
  const keyOf = (element) => element.id;
  const busy = (part) =>
    (part.contains(doc.activeElement) && doc.activeElement.matches("input:not([type=hidden]), select, textarea")) ||
    // What somebody has ticked must still be what they see when they press.
    $("[data-tick]:checked", part) !== null;

  // Puts the live parts of a fetched page in the place of those that are here.
  const replace = (fetched, keep) => {
    for (const part of $$("[data-live]")) {
      const fresh = part.id && fetched.getElementById(part.id);
      if (!fresh || (keep && busy(part)) || fresh.isEqualNode(part)) continue;
      const states = new Map($$("[data-row][id]", part).map((row) => [keyOf(row), row.dataset.state]));
      const open = $$("details", part).map((details) => details.open);
      const focused = part.contains(doc.activeElement) ? place(part, doc.activeElement) : null;
      part.replaceWith(fresh);
      prepare(fresh);
      const details = $$("details", fresh);
      if (details.length === open.length) details.forEach((element, at) => (element.open = open[at]));
      for (const row of $$("[data-row][id]", fresh)) {
        const before = states.get(keyOf(row));
        if ((before === undefined && states.size > 0) || (before !== undefined && before !== row.dataset.state)) {
          if (!still.matches) row.classList.add("changed");
        }
      }
      if (focused) at(fresh, focused)?.focus({ preventScroll: true });
    }
    tick();
  };
  // Where the focus is: the nearest element with an id, and which of its links and buttons.
  const pressable = "a[href], button, summary, [data-row]";
  const place = (part, element) => {
    const home = element.closest("[id]");
    if (!home || !part.contains(home)) return null;
    return { id: home.id, index: $$(pressable, home).indexOf(element) };
  };
  const at = (part, { id, index }) => {
    const home = part.id === id ? part : $(`#${CSS.escape(id)}`, part);
    return home && (index < 0 ? home : $$(pressable, home)[index]);
  };

  const parse = (text) => new DOMParser().parseFromString(text, "text/html");
  const signedOut = (response) => response.redirected && new URL(response.url).pathname === "/sign-in";

  let fetching = false;
  let again = false;
  let leaving = false;
  let underWay = null;
  const refresh = async () => {
    if (fetching || leaving) return void (again = true);
    fetching = true;
    underWay = new AbortController();
    const asked = location.href;
    try {
      const response = await fetch(asked, { headers: { accept: "text/html" }, cache: "no-store", signal: underWay.signal });
      // Signed out, or what the page shows is gone, removed by somebody else: the page itself says so.
      if (signedOut(response) || (response.status === 404 && location.href === asked)) return void location.reload();
      const text = await response.text();
      // An action in place has given the page another address meanwhile: what was asked for before does not show it.
      if (location.href !== asked) again = true;
      else if (response.ok) replace(parse(text), true);
    } catch {
      // No connection: the stream's own error says so. Or the page is being left.
    } finally {
      // At most one fetch a second, however much happens.
      setTimeout(() => {
        fetching = false;
        if (again && !leaving) { again = false; refresh(); }
      }, 1000);
    }
  };

  const topics = () => $$("[data-live]").flatMap((part) => part.dataset.live.split(" ")).filter(Boolean);
  // A part that ends in "-" follows every topic that begins so.
  const follows = (topic) =>
    topic === "*" || topics().some((mine) => (mine.endsWith("-") ? topic.startsWith(mine) : topic === mine));

  const state = (word) => {
    const element = $("[data-live-state]");
    if (!element) return;
    element.hidden = false;
    element.dataset.liveState = word;
    $("[data-live-word]", element).textContent = word === "on" ? "live" : "reconnecting";
  };
  let stream = null;
  let waiting = 0;
  const listen = () => {
    if (stream || doc.hidden || topics().length === 0) return;
    stream = new EventSource("/live");
    stream.onopen = () => { waiting = 0; state("on"); };
    stream.onmessage = (event) => { if (follows(event.data)) refresh(); };
    stream.onerror = () => {
      state("off");
      // The browser tries again by itself, except after an answer such as 401: then the page finds out why.
      if (stream.readyState === EventSource.CLOSED) {
        stop();
        waiting = Math.min((waiting || 1000) * 2, 60000);
        setTimeout(() => { refresh(); listen(); }, waiting);
      }
    };
  };
  const stop = () => { stream?.close(); stream = null; };
  doc.addEventListener("visibilitychange", () => {
    if (doc.hidden) return stop();
    tick();
    listen();
  });
  addEventListener("pageshow", (event) => { if (event.persisted) { leaving = false; stop(); refresh(); listen(); } });
  addEventListener("online", () => { stop(); listen(); });
  addEventListener("pagehide", stop);
  // A page that is being left asks for nothing more: what it shows may be what the form it sent removes. A download leaves no
  // page, though it begins like that, so the page looks again after a while.
  addEventListener("beforeunload", () => {
    leaving = true;
    underWay?.abort();
    setTimeout(() => { leaving = false; if (again) { again = false; refresh(); } }, 10000);
  });

  // ---- actions in place
  doc.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("form[data-in-place]")) return;
    event.preventDefault();
    const button = event.submitter || $("button", form);
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    try {
      const response = await fetch(form.action, {
        method: "POST", body: new URLSearchParams(new FormData(form)), headers: { accept: "text/html" },
      });
      if (signedOut(response) || response.status === 401) return void location.reload();
      const page = parse(await response.text());
      if (!response.ok) {
        const [what, mend] = [$("h1", page), $(".problem .lead", page)];
        return say([what, mend].map((part) => part?.textContent.trim()).filter(Boolean).join(". "), true);
      }
      // The page that came back has an address of its own, which can be sent to a colleague.
      if (new URL(response.url).pathname === location.pathname) history.replaceState(null, "", response.url);
      replace(page, false);
      say($(".flash p", page)?.textContent);
    } catch {
      say("Postroom does not answer. Check the connection, then try again.", true);
    } finally {
      button.removeAttribute("aria-busy");
    }
  });

  // ---- rules: what would happen is shown while they are written
  const trial = $("form[data-try]");
  if (trial) {
    let due = 0;
    let number = 0;
    const attempt = async () => {
      const mine = ++number;
      const body = new URLSearchParams(new FormData(trial));
      body.set("do", "try");
      try {
        const response = await fetch(trial.action, { method: "POST", body, headers: { accept: "text/html" } });
        if (signedOut(response) || response.status === 401) return;
        const fresh = parse(await response.text()).getElementById("tried");
        // An answer that another has overtaken says nothing any more.
        if (fresh && mine === number) $("#tried")?.replaceWith(fresh);
      } catch {
        // No connection: pressing the button says so.
      }
    };
    const later = (pause) => { clearTimeout(due); due = setTimeout(attempt, pause); };
    const editor = $("textarea", trial);
    if (!editor.readOnly) editor.addEventListener("input", () => later(300));
    $("select", trial).addEventListener("change", () => {
      if (editor.readOnly) location.search = `?mail=${encodeURIComponent($("select", trial).value)}`;
      else later(0);
    });
  }

  // ---- copying
  doc.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) {
      try {
        await navigator.clipboard.writeText(button.dataset.copy);
        say("Copied");
      } catch {
        say("The browser did not let it be copied: select it and copy it by hand.", true);
      }
    }
    // A menu closes when something else is pressed.
    for (const menu of $$("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });

  // ---- several rows at once
  const ticks = () => $$("[data-tick]");
  const ticked = () => {
    const all = ticks();
    const many = all.filter((tick) => tick.checked).length;
    const said = $("[data-ticked]");
    if (said) said.textContent = many === 0 ? "Tick mails to decide about several at once." : `${many} of ${all.length} ticked`;
    const every = $("[data-tick-all]");
    if (every) { every.checked = many > 0 && many === all.length; every.indeterminate = many > 0 && many < all.length; }
  };
  doc.addEventListener("change", (event) => {
    if (event.target.matches("[data-tick-all]")) for (const tick of ticks()) tick.checked = event.target.checked;
    else if (!event.target.matches("[data-tick]")) return;
    ticked();
  });

  // ---- theme
  doc.addEventListener("change", (event) => {
    const form = event.target.closest("[data-theme-form]");
    if (!form) return;
    doc.documentElement.dataset.theme = event.target.value;
    form.requestSubmit();
  });

  // ---- keys
  const rows = () => $$("[data-row]").filter((row) => $(".row-link", row));
  const move = (by) => {
    const all = rows();
    if (all.length === 0) return;
    const here = all.findIndex((row) => row.classList.contains("chosen") || row.contains(doc.activeElement));
    const next = all[Math.max(0, Math.min(all.length - 1, here < 0 ? 0 : here + by))];
    for (const row of all) row.classList.toggle("chosen", row === next);
    $(".row-link", next).focus();
    next.scrollIntoView({ block: "nearest" });
  };
  const goes = { o: "/", s: "/sources", m: "/messages", p: "/profiles", j: "/jira", e: "/settings" };
  let prefix = 0;
  doc.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      const menu = $("details.menu[open]");
      if (menu) { menu.open = false; $("summary", menu).focus(); }
      else if (doc.activeElement?.matches("[data-search]")) doc.activeElement.blur();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog[open]")) return;
    if (!$(".shell")) return;
    const key = event.key;
    if (Date.now() - prefix < 1500 && goes[key]) {
      prefix = 0;
      location.assign(goes[key]);
    } else if (key === "g") prefix = Date.now();
    else if (key === "j") move(1);
    else if (key === "k") move(-1);
    else if (key === "/") {
      event.preventDefault();
      const search = $("[data-search]");
      if (search) { search.focus(); search.select(); } else location.assign("/messages#q");
    } else if (key === "?") $("[data-keys]")?.showModal();
  });
  if (location.hash === "#q") $("[data-search]")?.focus();

  prepare(doc);
  tick();
  listen();
})();
