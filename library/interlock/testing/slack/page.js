// The page's few moving parts. Everything from outside arrives as text that the server escaped,
// and what is shown here is set as text: nothing is ever put together as markup.
"use strict";

const me = () => document.body.dataset.me;
const channel = () => document.body.dataset.channel;

async function act(deed) {
  document.body.classList.add("busy");
  try {
    const answer = await fetch("/page/do", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ as: me(), channel: channel(), ...deed }),
    });
    const said = await answer.json();
    if (said.words) notify(said.words);
  } catch {
    notify("The pretend Slack is gone. Start it again and reload this page.");
  } finally {
    document.body.classList.remove("busy");
  }
  await refresh();
}

function notify(words) {
  document.querySelector(".notice")?.remove();
  const notice = document.createElement("p");
  notice.className = "notice";
  notice.setAttribute("role", "status");
  notice.textContent = words;
  document.body.append(notice);
  setTimeout(() => notice.remove(), 8000);
}

function confirmed(button) {
  const said = button.dataset;
  if (!said.confirmTitle) return Promise.resolve(true);
  return new Promise((resolve) => {
    const dialog = document.createElement("dialog");
    const add = (name, text, kind) => {
      const made = document.createElement(name);
      made.textContent = text;
      if (kind) made.className = kind;
      return made;
    };
    const yes = add("button", said.confirmConfirm, `button ${said.confirmStyle}`);
    const no = add("button", said.confirmDeny, "button");
    const row = add("div", "", "buttons");
    row.append(no, yes);
    dialog.append(add("h2", said.confirmTitle), add("p", said.confirmText), row);
    dialog.className = "confirm";
    const end = (answer) => { dialog.remove(); resolve(answer); };
    yes.addEventListener("click", () => end(true));
    no.addEventListener("click", () => end(false));
    dialog.addEventListener("cancel", () => end(false));
    document.body.append(dialog);
    dialog.showModal();
  });
}

const place = (element) => ({
  ts: element.closest("[data-ts]")?.dataset.ts,
  view: element.closest("[data-view]")?.dataset.view,
});

async function pressed(event) {
  const button = event.target.closest("button, a[data-action]");  // a link is told, too
  if (!button) return;
  if (button.matches("[data-action]")) {
    if (await confirmed(button)) await act({ kind: "press", action: button.dataset.action, ...place(button) });
  } else if (button.matches("[data-react]")) {
    await act({ kind: "react", name: button.dataset.react, ...place(button) });
  } else if (button.matches(".submit")) {
    await submit(button.closest("dialog"));
  } else if (button.matches(".close")) {
    await act({ kind: "close", ...place(button) });
  }
}

async function submit(dialog) {
  if (!dialog.querySelector("form").reportValidity()) return;
  const values = {};
  for (const field of dialog.querySelectorAll("[data-input]")) values[field.dataset.input] = field.value;
  await act({ kind: "submit", view: dialog.dataset.view, values });
}

async function chosen(event) {
  const menu = event.target;
  if (menu.id === "me") {
    location.assign(`/?as=${encodeURIComponent(menu.value)}&channel=${encodeURIComponent(channel())}`);
  } else if (menu.matches("select[data-action]") && menu.value) {
    if (await confirmed(menu)) {
      await act({ kind: "press", action: menu.dataset.action, choosing: menu.value, ...place(menu) });
    }
  }
}

async function typed(event) {
  if (event.key !== "Enter" || event.isComposing) return;
  if (event.target.id === "write") {
    const text = event.target.value.trim();
    event.target.value = "";
    if (text) await act({ kind: "write", text });
  } else if (event.target.matches("dialog input")) {
    event.preventDefault();
    await submit(event.target.closest("dialog"));
  }
}

function openModal() {
  const modal = document.getElementById("modal");
  if (modal.dataset.view && !modal.open) modal.showModal();
  modal.addEventListener("cancel", (event) => {
    event.preventDefault();
    act({ kind: "close", view: modal.dataset.view });
  });
}

function swap(id, from) {
  const [old, fresh] = [document.getElementById(id), from.getElementById(id)];
  old.replaceWith(document.adoptNode(fresh));
}

async function refresh() {
  const answer = await fetch(location.href);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const box = document.getElementById("write");
  const [kept, focused] = [box?.value, document.activeElement?.id];
  const list = document.querySelector(".messages");
  const [atEnd, top] = list
    ? [list.scrollTop + list.clientHeight > list.scrollHeight - 80, list.scrollTop] : [true, 0];
  if (focused !== "me") swap("side", page);
  swap("channel", page);
  const [modal, fresh] = [document.getElementById("modal"), page.getElementById("modal")];
  if (modal.dataset.key !== fresh.dataset.key) { swap("modal", page); openModal(); }
  const next = document.getElementById("write");
  if (next && kept) next.value = kept;
  if (next && focused === "write") next.focus();
  const now = document.querySelector(".messages");
  if (now) now.scrollTop = atEnd ? now.scrollHeight : top;
  document.body.dataset.revision = page.body.dataset.revision;
}

async function watch() {
  for (;;) {
    try {
      const answer = await fetch(`/page/changes?after=${document.body.dataset.revision}`);
      if ((await answer.json()).changed) await refresh();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

document.addEventListener("click", pressed);
document.addEventListener("change", chosen);
document.addEventListener("keydown", typed);
openModal();
const list = document.querySelector(".messages");
if (list) list.scrollTop = list.scrollHeight;
watch();
