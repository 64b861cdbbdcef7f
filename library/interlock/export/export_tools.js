"use strict";
/* Reading tools of an exported page: another zone, a filter, what was known when. The page is
   whole without them. Text is only ever set as text; nothing is fetched, stored or run. */
const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const items = [...document.querySelectorAll("li.moment")];
const ranks = new Map(data.events.map(([cite], at) => [cite, at + 1]));
const whole = data.events.length;
let known = whole;

const make = (name, className, text) => {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  made.dataset.ui = "";
  return made;
};

/* --- times in another zone ------------------------------------------------------------------- */

const clockOf = (zone) => new Intl.DateTimeFormat("sv-SE", {
  timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit",
  hour: "2-digit", minute: "2-digit", second: "2-digit",
});
const deviceZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

const there = (clock, iso) => {
  const shown = clock.format(new Date(iso));
  const day = new Date(iso).toISOString().slice(0, 10);
  return shown.startsWith(day) ? shown.slice(11) : shown;
};

const showZone = (chosen) => {
  const zone = chosen === "local" ? deviceZone() : chosen;
  document.body.classList.toggle("rezoned", zone !== "" && zone !== data.zone);
  document.body.classList.toggle("utc-alone", zone === "");
  for (const old of document.querySelectorAll("span.zoned")) old.remove();
  if (zone === "" || zone === data.zone) return;
  const clock = clockOf(zone);
  for (const time of document.querySelectorAll("time[datetime]"))
    time.after(make("span", "zoned local", there(clock, time.getAttribute("datetime"))));
};

/* --- what is shown --------------------------------------------------------------------------- */

const wanted = () => ({
  kind: $("kind").value, person: $("person").value, run: $("run").value,
  text: $("find").value.trim().toLowerCase(),
});

const isBy = (item, person) => {
  const who = item.querySelector(".who").textContent;
  return who === person || who.endsWith(`(${person})`);
};

const matches = (item, want) => {
  if (want.kind && (item.dataset.type || "").split(".")[0] !== want.kind) return false;
  if (want.person && !isBy(item, want.person)) return false;
  if (want.run && item.dataset.run !== want.run) return false;
  return !want.text || item.textContent.toLowerCase().includes(want.text);
};

const show = () => {
  const want = wanted();
  let count = 0;
  for (const item of document.querySelectorAll("li.moment")) {
    const hidden = Number(item.dataset.since) > known || !matches(item, want);
    if (item.hidden !== hidden) item.hidden = hidden;
    if (!hidden) count += 1;
  }
  for (const list of document.querySelectorAll("ol.moments")) {
    const empty = ![...list.children].some((item) => !item.hidden);
    list.hidden = empty;
    list.previousElementSibling.hidden = empty;
  }
  $("counted").textContent = count === items.length && known === whole
    ? `All ${count} moments are shown.`
    : `${count} of ${items.length} moments are shown.`;
};

/* --- as known at ----------------------------------------------------------------------------- */

const later = (item) => {
  for (const link of item.querySelectorAll(".what > .cited a")) {
    const cite = link.textContent.slice(2, -1);
    const hidden = (ranks.get(cite) || 0) > known;
    if (link.hidden !== hidden) link.hidden = hidden;
  }
};

const dayOf = (item) => (item.querySelector("time") || { dateTime: "" }).dateTime.slice(0, 10);

const earlierItem = ([event, until, place, time, who, what, tone, glyph]) => {
  const item = make("li", `moment ${tone}`), when = make("p", "when"), body = make("div", "body");
  const cite = data.events[event - 1][0], sign = make("span", `sign ${tone}`);
  Object.assign(item.dataset, { since: event, until, place, type: "", run: "" });
  if (time) {
    const shown = make("time", "", time.slice(11, 19));
    shown.setAttribute("datetime", time);
    when.append(shown);
  }
  const mark = make("span", "glyph", glyph.trim()), told = make("p", "what");
  mark.setAttribute("aria-hidden", "true");
  sign.append(mark, make("span", "word", tone === "plain" ? "" : tone));
  told.append(make("b", "who", who), " ", make("span", "data", what), " ");
  told.append(make("span", "cited", `[#${cite}]`));
  body.append(told, make("p", "told", "Told so until a later event said more."));
  item.append(when, make("p"), body);
  item.children[1].append(sign);
  return item;
};

const putInPlace = (item, time) => {
  const place = Number(item.dataset.place), day = time.slice(0, 10);
  const others = items.filter((one) => (dayOf(one) === "") === (time === ""));
  const next = others.find((one) => Number(one.dataset.place) > place);
  const before = next ? others[others.indexOf(next) - 1] : others.at(-1);
  if (before && (!next || dayOf(before) === day || dayOf(next) !== day)) {
    let last = before;
    while (last.nextElementSibling?.dataset.until) last = last.nextElementSibling;
    last.after(item);
  } else if (next) next.before(item);
  const beside = before && item.previousElementSibling === before ? before : next;
  if (time && beside && dayOf(beside) !== day) item.querySelector("time").textContent =
    `${day} ${time.slice(11, 19)}`;
};

const tellThen = () => {
  const [cite, recorded] = known ? data.events[known - 1] : ["", ""];
  const at = recorded ? ` (recorded ${recorded.slice(0, 19).replace("T", " ")} UTC)` : "";
  const then = known === whole ? "" : known
    ? `As it was known when event #${cite} was the last${at}. What was recorded later is not ` +
      "shown, nor are the sections that tell how it ended. What later events said of these is open."
    : "Before anything was recorded.";
  $("then").textContent = then;
  $("known-at").textContent = known === whole ? "now: everything" : `#${cite || "0"}${at}`;
};

const showKnown = (at) => {
  known = at;
  document.body.classList.toggle("then", known !== whole);
  for (const old of document.querySelectorAll("li.moment[data-until]")) old.remove();
  const waiting = known === whole ? [] : data.earlier
    .filter(([event, until]) => event <= known && known < until)
    .sort((one, other) => one[2] - other[2]);
  for (const one of waiting) putInPlace(earlierItem(one), one[3]);
  items.forEach(later);
  tellThen();
  showZone($("zone").value);
  show();
};

/* --- the controls ---------------------------------------------------------------------------- */

const soon = (work, wait) => {
  let timer = 0;
  return () => { clearTimeout(timer); timer = setTimeout(work, wait); };
};

const begin = () => {
  $("tools").hidden = false;
  for (const name of ["kind", "person", "run"]) $(name).addEventListener("change", show);
  $("find").addEventListener("input", soon(show, 150));
  $("zone").addEventListener("change", () => showZone($("zone").value));
  const slider = $("known");
  if (slider) {
    slider.addEventListener("input", soon(() => showKnown(Number(slider.value)), 60));
    $("moment").addEventListener("change", () => {
      slider.value = String(ranks.get($("moment").value) || whole);
      showKnown(Number(slider.value));
    });
  }
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("main details:not([open])")];
    for (const one of folded) one.open = true;
  });
  addEventListener("afterprint", () => { for (const one of folded) one.open = false; });
  if (slider) tellThen();
  for (const link of document.querySelectorAll(".cited a[hidden]")) link.hidden = false;
  show();
};
begin();
