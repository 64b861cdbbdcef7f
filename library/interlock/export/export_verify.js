/* The check of an exported page. It follows interlock/proof/checking.py step by step:
   RFC 6962 section 2.1 (leaf and node hashes), RFC 9162 section 2.1.3.2 (inclusion),
   C2SP signed-note and tlog-checkpoint. Hashes and signatures are WebCrypto's. */
const utf8 = (text) => new TextEncoder().encode(text);
const fromBase64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const toBase64 = (bytes) => btoa(String.fromCharCode(...bytes));
const toHex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
const joined = (...parts) => {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) { whole.set(part, at); at += part.length; }
  return whole;
};
const same = (one, other) => one.length === other.length && one.every((b, at) => b === other[at]);
const fail = (text) => { throw new Error(text); };

/* --- notes and keys -------------------------------------------------------------------------- */

const readNote = (note) => {
  const split = note.lastIndexOf("\n\n");
  const lines = note.slice(split + 2).split("\n");
  if (split < 0 || lines.pop() !== "" || !lines.length) fail("This is no signed note.");
  const signatures = lines.map((line) => {
    const [, name, encoded] = /^— (\S+) (\S+)$/.exec(line) || fail("A line is no signature.");
    const raw = fromBase64(encoded);
    return { name, key: toHex(raw.slice(0, 4)), signature: raw.slice(4) };
  });
  return { text: note.slice(0, split + 1), signatures };
};

const readCheckpoint = (note) => {
  const { text, signatures } = readNote(note);
  const [origin, size, root] = text.split("\n");
  if (!origin || !/^(0|[1-9][0-9]{0,14})$/.test(size)) fail("This is no checkpoint.");
  const bytes = fromBase64(root);
  if (bytes.length !== 32) fail("The root of a checkpoint has 32 bytes.");
  return { text, signatures, origin, size: Number(size), root: bytes };
};

const readKey = async (line) => {
  const [, name, id, encoded] = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(line.trim()) ||
    fail(`“${line.slice(0, 40)}” is no key.`);
  const raw = fromBase64(encoded);
  if (raw.length !== 33 || raw[0] !== 1) fail("This is no Ed25519 key.");
  const hash = toHex((await sha256(joined(utf8(`${name}\n`), raw))).slice(0, 4));
  if (hash !== id) fail(`The key ${name} does not match the hash in it.`);
  return { name, id, public: raw.slice(1) };
};

const signedBy = async (checkpoint, keys) => {
  for (const key of keys)
    for (const { name, key: id, signature } of checkpoint.signatures) {
      if (name !== key.name || id !== key.id) continue;
      const imported = await crypto.subtle.importKey("raw", key.public, "Ed25519", false, ["verify"]);
      if (!await crypto.subtle.verify("Ed25519", imported, signature, utf8(checkpoint.text)))
        fail(`The signature of key ${id} is wrong: the checkpoint was changed.`);
      return key;
    }
  return null;
};

const knowsEd25519 = async () => {
  try {
    await crypto.subtle.importKey("raw", new Uint8Array(32).fill(1), "Ed25519", false, ["verify"]);
    return true;
  } catch (error) {
    return error.name !== "NotSupportedError";
  }
};

/* --- the tree -------------------------------------------------------------------------------- */

const half = (number) => Math.floor(number / 2);

/* Whether a leaf leads to the root. Places that led there before are kept in `seen`. */
const isIncluded = async (leaf, index, size, path, root, seen) => {
  if (!(index >= 0 && index < size)) return false;
  let at = index, last = size - 1, level = 0, hash = leaf;
  const way = [];
  for (const beside of path) {
    const place = `${level}/${at}`, known = seen.get(place);
    if (known) { if (!same(known, hash)) return false; return keep(seen, way); }
    way.push([place, hash]);
    if (last === 0) return false;
    const right = at % 2 === 1 || at === last;
    if (right) while (at % 2 === 0 && at > 0) { at = half(at); last = half(last); level += 1; }
    hash = await sha256(right ? joined([1], beside, hash) : joined([1], hash, beside));
    at = half(at); last = half(last); level += 1;
  }
  return last === 0 && same(hash, root) && keep(seen, way);
};
const keep = (seen, way) => { for (const [place, hash] of way) seen.set(place, hash); return true; };

const readBody = async (entry, proof, seen) => {
  const path = entry.path.map((at) => proof.nodes[at] || fail("Its path is broken."));
  const leaf = await sha256(joined([0], utf8(entry.body)));
  const { size, root } = proof.checkpoint;
  if (!await isIncluded(leaf, Number(entry.logindex), size, path, root, seen))
    fail("It is not what the log holds at its place: its text was changed.");
  const body = JSON.parse(entry.body);
  if (Number(body.logindex) !== Number(entry.logindex)) fail(`It stands at ${body.logindex} of the log.`);
  return body;
};

/* --- what the page shows --------------------------------------------------------------------- */

const escapes = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;" };
const escaped = (text) => /[&<>"']/.test(text)
  ? text.replace(/[&<>"']/g, (letter) => escapes[letter]) : text;
const empty = new Set(["meta", "img", "br", "hr", "input"]);

/* What the script itself changes: it hides these, and writes into those. */
const toggled = { li: ".moment", a: ".cited a", h3: "#timeline > h3", ol: ".moments", div: "#tools" };
const raw = new Set(["style", "script"]);
const spoken = new Set(["counted", "then", "known-at"]);
const changing = (node) => {
  if (node.localName === "details") return "open";
  const which = toggled[node.localName];
  return which && node.hidden && node.matches(which) ? "hidden" : "";
};

/* An element as it was written, without what this script and a reader's clicks change. */
const written = (node, inside = (child) => written(child)) => {
  if (node.nodeType === Node.TEXT_NODE) return escaped(node.data);
  if (node.nodeType !== Node.ELEMENT_NODE) return "<!>";
  if (node.hasAttribute("data-ui")) return "";
  const left = changing(node);
  let head = "";
  for (const { name, value } of node.attributes)
    if (name !== left && !(name === "style" && value === "")) head += ` ${name}="${escaped(value)}"`;
  if (empty.has(node.localName)) return `<${node.localName}${head}>`;
  let inner = raw.has(node.localName) ? node.textContent : "";
  if (!inner && !spoken.has(node.id)) for (const child of node.childNodes) inner += inside(child);
  return `<${node.localName}${head}>${inner}</${node.localName}>`;
};

/* What stands around the parts: the page with each part left out, and the proof's own section. */
const around = (node) => {
  if (node.nodeType === Node.ELEMENT_NODE) {
    if ("unit" in node.dataset) return "<part>";
    if (["proof", "units", "carried"].includes(node.id)) return "";
  }
  return written(node, around);
};
const page = () => written(document.head) + [...document.body.childNodes].map(around).join("").trimEnd();

const units = JSON.parse($("units").textContent);
const shownParts = async () => {
  const parts = [...document.querySelectorAll("[data-unit]")];
  const texts = [page(), ...parts.map((part) => written(part))];
  const digests = await Promise.all(texts.map(async (text) => toBase64(await sha256(utf8(text)))));
  return { names: ["page", ...parts.map((part) => part.dataset.unit)], digests };
};

/* Each part of the page against the digest that stands beside it, and all of them against what
   the log states of the page. */
const checkShown = async (stated, say) => {
  const { names, digests } = await shownParts();
  const changed = names.filter((name, at) => digests[at] !== units[at]);
  for (const name of changed.slice(0, 20)) say("bad", name, "What is shown is not what was exported.");
  if (names.length !== units.length)
    say("bad", "page", `It has ${names.length} parts; ${units.length} were exported.`);
  const whole = `sha256:${toHex(await sha256(utf8(units.join("\n"))))}`;
  if (stated === undefined)
    return say("open", "text", "The log does not state what this page said, so the words around " +
      "the events are only checked against the page itself.");
  if (whole !== stated)
    return say("bad", "text", "The page is not the one that the log states was exported.");
  if (!changed.length && names.length === units.length)
    say("ok", "text", "Every word shown is what the log states was exported.");
};

/* A name as the page holds it to be compared; one that no gateway gives is left out. */
const exact = (name) => /^[A-Za-z0-9_.:-]{1,100}$/.test(name) ? name : "";

/* Number, kind, id and time of each moment against the event that tells it. */
const checkMoments = (bodies, say) => {
  const cited = new Set();
  for (const item of items) {
    for (const place of item.querySelectorAll(".place")) cited.add(place.id.slice(1));
    const { event, type = "", id = "" } = item.dataset, body = bodies.get(event);
    if (!body) { say("bad", `event #${event}`, "The page shows it and the proof lacks it."); continue; }
    const time = item.querySelector("time"), at = Date.parse(body.time);
    const clock = new Date(at).toISOString().slice(11, 19);
    const differs = exact(body.type) !== type ? "kind" : exact(body.id) !== id ? "id"
      : !time || Date.parse(time.dateTime) !== at || time.textContent !== clock ? "time" : "";
    if (differs) say("bad", `event #${event}`, `The page shows another ${differs} than was recorded.`);
  }
  for (const cite of bodies.keys())
    if (!cited.has(cite)) say("bad", `event #${cite}`, "It was recorded and the page does not show it.");
};

/* --- the whole check ------------------------------------------------------------------------- */

const checkKey = async (proof, trusted, say) => {
  const { checkpoint } = proof;
  if (!await knowsEd25519())
    return say("open", "signature", "This browser cannot check Ed25519 signatures; only hashes " +
      "were checked. Use `interlock verify`, or another browser.");
  const keys = trusted.keys.length ? trusted.keys : await Promise.all(proof.block.keys.map(readKey));
  const key = await signedBy(checkpoint, keys);
  if (!key) return say("bad", "checkpoint", `None of the keys ${keys.map((k) => k.id)} signed it.`);
  if (trusted.keys.length) return say("ok", "checkpoint", `Signed by ${key.name} ${key.id}, which you gave.`);
  say("open", "checkpoint", `Signed by ${key.name} ${key.id}, which this page itself names. It ` +
    "proves nothing until you compare it with a key from elsewhere.");
};

const checkAnchor = (proof, note, say) => {
  const { checkpoint } = proof;
  if (note.origin !== checkpoint.origin) return say("bad", "anchor", "It is of another log.");
  if (note.size !== checkpoint.size)
    return say("open", "anchor", `It is of ${note.size} events, this page of ${checkpoint.size}: ` +
      "`interlock verify` can tell whether one grew from the other.");
  const agree = same(note.root, checkpoint.root);
  say(agree ? "ok" : "bad", "anchor", agree ? "Its root is the one of this page."
    : "Its root is another: the log, or this page, was changed.");
};

const checkEvents = async (proof, say) => {
  const bodies = new Map(), seen = new Map(), { block } = proof;
  for (const entry of block.events) {
    try {
      const body = await readBody(entry, proof, seen);
      if ((body.incident || "") !== data.incident) fail(`It belongs to ${body.incident}.`);
      if (Number(body.sequence) !== Number(entry.sequence)) fail(`It says that it is #${body.sequence}.`);
      if (bodies.has(String(body.sequence))) fail("It is there twice.");
      bodies.set(String(body.sequence), body);
    } catch (error) {
      say("bad", `event #${entry.sequence}`, error.message);
    }
  }
  for (let number = 1; number <= block.length; number += 1)
    if (!bodies.has(String(number))) say("bad", `event #${number}`, "It is missing, or not proven.");
  if (bodies.size > block.length) say("bad", "length", `There are more than ${block.length}.`);
  return { bodies, seen };
};

const checkLength = async (proof, seen, say) => {
  const { block } = proof;
  try {
    const entry = block.also.find((one) => one.logindex === block.statement) ||
      fail("Nothing in it states how many events there are.");
    const body = await readBody(entry, proof, seen);
    const { of: incident, length, page } = body.data;
    if (body.type !== "log.exported" || incident !== data.incident || Number(length) !== block.length)
      fail(`The log does not say that ${data.incident} has ${block.length} events.`);
    say("ok", "length", `${data.incident} had ${length} events when it was exported; the log states it.`);
    return page;
  } catch (error) {
    say("bad", "length", error.message);
    return undefined;
  }
};

const readTrusted = async (text) => {
  if (text.includes("\n\n— ")) return { keys: [], note: readCheckpoint(`${text.trim()}\n`) };
  const lines = text.split("\n").filter((line) => line.trim());
  return { keys: await Promise.all(lines.map(readKey)), note: null };
};

const verify = async (say) => {
  const block = JSON.parse($("carried").textContent);
  if (block.schema !== "interlock-proof/v1") fail("This is no interlock-proof/v1.");
  const checkpoint = readCheckpoint(block.checkpoint);
  const proof = { block, checkpoint, nodes: block.nodes.map(fromBase64) };
  const trusted = await readTrusted($("trusted").value);
  await checkKey(proof, trusted, say);
  if (trusted.note) checkAnchor(proof, trusted.note, say);
  const { bodies, seen } = await checkEvents(proof, say);
  const page = await checkLength(proof, seen, say);
  checkMoments(bodies, say);
  await checkShown(page, say);
  return bodies.size;
};

/* --- what is said of it ---------------------------------------------------------------------- */

const marks = { ok: "✔ proven", bad: "✖ differs", open: "? not proven" };
const verdictOf = (found, size) => found.bad
  ? `${found.bad} ${found.bad === 1 ? "thing differs" : "things differ"}: this page is not what was recorded.`
  : `${size} events are in the log as shown, in order, none left out` +
    (found.open ? "; what is not proven is said below." : ".");
const limits = "Not proven by any of this: that what was recorded was true when it was written, " +
  "and anything recorded after the export. Whoever changed this page may have changed this check.";

const runCheck = async () => {
  const verdict = $("verdict"), list = make("ul"), found = { ok: 0, bad: 0, open: 0 };
  const say = (how, about, text) => {
    found[how] += 1;
    const line = make("li", how);
    line.append(make("b", "", marks[how]), ` ${about}: ${text}`);
    if (found[how] <= 100) list.append(line);
  };
  verdict.replaceChildren(make("p", "", "Checking …"));
  $("verify").disabled = true;
  let size = 0;
  try {
    if (!globalThis.crypto?.subtle) fail("This browser gives a page from here no WebCrypto; use `interlock verify`.");
    size = await verify(say);
  } catch (error) {
    say("bad", "proof", error.message);
  }
  const head = make("p", found.bad ? "bad" : "ok", verdictOf(found, size));
  verdict.replaceChildren(head, list, make("p", "told", limits));
  $("verify").disabled = false;
};

if ($("carried")) {
  $("check").hidden = false;
  $("verify").addEventListener("click", runCheck);
}
