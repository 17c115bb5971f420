// The live page: reads the drill's state as server-sent events, and says what people press.

import { isOver, setBoard, setTime, tick } from "/board.js";

const SILENCE_MS = 5000; // The drill speaks at least every second or two.
const RETRY_MS = [300, 1000, 2000, 4000];
const at = (id) => document.getElementById(id);

// The token comes in the address's fragment, which no server and no log ever sees, and stays in this tab.
const fragment = location.hash.slice(1);
if (fragment) {
  sessionStorage.setItem("token", fragment);
  history.replaceState(null, "", location.pathname);
}
const bearer = { Authorization: `Bearer ${sessionStorage.getItem("token") ?? ""}` };

// --- the stream ----------------------------------------------------------------------------------

function receive(kind, told, anew) {
  setTime(told.now, { anew });
  if (kind === "board") setBoard(told);
}

async function listen() {
  const ending = new AbortController();
  let watch = setTimeout(() => ending.abort(), SILENCE_MS);
  try {
    const answer = await fetch("/events", { headers: bearer, signal: ending.signal, cache: "no-store" });
    if (!answer.ok) throw Object.assign(new Error((await answer.json()).reason), { status: answer.status });
    let anew = true; // This machine may have slept meanwhile: its old idea of the time is void.
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ""; ;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(watch);
      watch = setTimeout(() => ending.abort(), SILENCE_MS);
      connected("");
      const frames = (rest + value).split("\n\n");
      rest = frames.pop();
      for (const frame of frames) {
        const field = (name) => frame.split("\n").find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
        receive(field("event"), JSON.parse(field("data")), anew);
        anew = false;
      }
    }
  } finally {
    clearTimeout(watch);
  }
}

function connected(trouble) {
  at("connection").textContent = trouble;
  at("connection").hidden = !trouble;
}

async function stay() {
  for (let tries = 0; ; tries += 1) {
    let reason = "the drill no longer answers";
    const begun = performance.now();
    try { await listen(); } catch (error) {
      if (error.status) reason = error.message;
      if (error.status === 401) return connected(`Not connected: ${reason}.`);
    }
    if (isOver()) return connected("");
    if (performance.now() - begun > SILENCE_MS) tries = 0;
    connected(`Connection lost: ${reason}. What is shown may be old. Trying again…`);
    await new Promise((done) => setTimeout(done, RETRY_MS[Math.min(tries, RETRY_MS.length - 1)]));
  }
}

// --- saying something ----------------------------------------------------------------------------

function reply(text, good) {
  at("reply").className = good ? "good" : "bad";
  at("reply").textContent = text;
}

async function press(button) {
  const { say } = button.dataset;
  const why = at(`why-${say}`).textContent;
  if (button.getAttribute("aria-disabled") === "true") return reply(`${button.textContent}: ${why}`, false);
  if (!at("actor").value.trim()) { at("actor").focus(); return reply("Say who you are first.", false); }
  if (say === "update" && !at("text").value.trim()) { at("text").focus(); return reply("Write the update first.", false); }
  if (button.getAttribute("aria-busy") === "true") return undefined;
  button.setAttribute("aria-busy", "true");
  reply("Sending…", true);
  try {
    const said = { say, as: at("actor").value, role: at("role").value, text: say === "update" ? at("text").value : "" };
    const answer = await fetch("/control", {
      method: "POST", headers: { ...bearer, "Content-Type": "application/json" }, body: JSON.stringify(said),
    });
    const told = await answer.json();
    if (answer.ok && say === "update") at("text").value = "";
    return answer.ok ? reply(`${button.textContent}: ${told.came}`, true) : reply(`Refused: ${told.reason}`, false);
  } catch {
    return reply("Not sent: the drill does not answer. Try again, or use the command drill.", false);
  } finally {
    button.removeAttribute("aria-busy");
  }
}

for (const button of document.querySelectorAll("button[data-say]")) {
  button.setAttribute("aria-disabled", "true");
  button.addEventListener("click", () => press(button));
}
for (const id of ["actor", "role"]) {
  at(id).addEventListener("change", () => localStorage.setItem(id, at(id).value));
}
at("actor").value = localStorage.getItem("actor") ?? "";
at("form").addEventListener("submit", (event) => event.preventDefault());
setInterval(tick, 200);
stay();
