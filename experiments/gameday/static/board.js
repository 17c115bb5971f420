// Shows one snapshot of the drill, and counts its clocks down between two snapshots.

const NEAR = 0.2; // The last fifth of a clock is near its deadline.
const at = (id) => document.getElementById(id);

let board = null;
let ahead = -Infinity; // The drill's seconds minus this page's: the least delayed message knows best.
const now = () => performance.now() / 1000 + ahead;

export const isOver = () => Boolean(board?.over);

export function setTime(drillNow, { anew = false } = {}) {
  const seen = drillNow - performance.now() / 1000;
  ahead = anew ? seen : Math.max(ahead, seen);
}

export function setBoard(told) {
  const before = board;
  board = told;
  show();
  announce(before);
}

// --- words ---------------------------------------------------------------------------------------

function span(seconds) {
  const all = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  const two = (n) => String(n).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

function lasted(seconds) {
  return seconds < 60 ? `${seconds.toFixed(seconds < 10 ? 1 : 0)} s` : span(seconds);
}

function limit(seconds) {
  if (seconds >= 3600 && seconds % 3600 === 0) return `${seconds / 3600} h`;
  if (seconds >= 60 && seconds % 60 === 0) return `${seconds / 60} min`;
  return `${Number(seconds.toFixed(2))} s`;
}

const timeOfDay = (t) => new Date((board.wall_s + t) * 1000).toLocaleTimeString([], { hour12: false });
const by = (actor, role) => [actor, role && `as ${role}`].filter(Boolean).join(" ");

function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children.filter((child) => child !== "" && child !== null));
  return made;
}

function ticking(text) {
  const made = element("span", "", text());
  made.tick = () => { if (made.textContent !== text()) made.textContent = text(); };
  made.dataset.ticks = "";
  return made;
}

function fill(id, rows, none) {
  at(id).replaceChildren(...(rows.length ? rows : none ? [element("li", "soft", none)] : []));
}

// --- the board -----------------------------------------------------------------------------------

function clockRow(clock) {
  const left = () => clock.deadline_s - now();
  const running = clock.state === "running" || (clock.state === "missed" && clock.end_s === null && !board.over);
  const time = element("p", "time");
  time.setAttribute("role", "timer");
  time.setAttribute("aria-live", "off");
  if (clock.end_s !== null && clock.begin_s !== null) {
    time.append(lasted(Math.max(0, clock.end_s - clock.begin_s)));
  } else if (running && clock.deadline_s !== null) {
    time.append(ticking(() => (left() < 0 ? "+" : "") + span(left() < 0 ? -left() : left() + 0.999)));
  } else if (running && clock.begin_s !== null) {
    time.append(ticking(() => span(now() - clock.begin_s)));
  } else {
    time.append("–");
  }
  const words = {
    waiting: "waiting", met: "met", missed: "missed", censored: "open when the drill ended", missing: "never began",
    running: clock.deadline_s === null ? "running, no limit" : "running",
  };
  const state = clock.state === "running" && clock.deadline_s !== null
    ? ticking(() => (left() < 0 ? "due now" : "running")) : words[clock.state];
  const limits = clock.limit_s === null ? "" : clock.playbook_limit_s === null || board.time_scale === 1
    ? `limit ${limit(clock.limit_s)}`
    : `limit ${limit(clock.playbook_limit_s)} of the playbook = ${limit(clock.limit_s)} now`;
  const row = element(
    "li", clock.state,
    element("p", "name", clock.title), time, element("p", "state", state),
    element("p", "soft", [clock.note, limits].filter(Boolean).join(", ")),
  );
  row.dataset.clock = clock.name;
  row.tick = () => row.classList.toggle("near",
    clock.state === "running" && clock.limit_s > 0 && left() < clock.limit_s * NEAR);
  row.dataset.ticks = "";
  return row;
}

function momentRow(moment) {
  const reached = moment.t !== null;
  return element(
    "li", reached ? "reached" : "",
    element("p", "name", moment.name),
    element("p", "", reached ? `${timeOfDay(moment.t)}, at ${moment.t.toFixed(1)} s` : "not yet"),
    reached ? element("p", "soft", by(moment.actor, moment.role) || moment.source) : "",
    reached && moment.so_far && !board.over ? element("p", "soft", "as far as is known") : "",
  );
}

function probeRow(probe) {
  const tone = { ok: "good", limited: "warn", degraded: "warn", down: "bad" }[probe.health] ?? "soft";
  const bad = () => probe.bad_s + (probe.bad_since === null ? 0 : Math.max(0, (board.over ? board.now : now()) - probe.bad_since));
  return element(
    "li", "",
    element("span", "grow", (probe.sacred ? "★ " : "") + probe.name),
    element("strong", tone, probe.health || "no look yet"),
    bad() > 0 ? element("span", "soft", ticking(() => `bad for ${lasted(bad())}`)) : "",
    probe.detail ? element("span", "full", probe.detail) : "",
  );
}

const faultRow = (fault) => element(
  "li", "",
  element("span", "grow", `${fault.fault} on ${fault.target}`),
  element("strong", fault.in_force ? "bad" : fault.state === "healed" ? "good" : "soft", fault.state.replaceAll("_", " ")),
  fault.in_force && !board.over ? element("span", "soft", ticking(() => `for ${span(now() - fault.since)}`)) : "",
);

const messageRow = (one) => element(
  "li", "",
  element("span", "soft", timeOfDay(one.t)),
  element("span", "grow", `${one.kind} to ${one.audience} by ${one.channel}`),
  element("strong", one.accepted && !one.late ? "good" : "bad", one.accepted ? (one.late ? "late" : "accepted") : "not accepted"),
  one.text ? element("span", "full", one.text) : "",
  element("span", "full", [by(one.actor, one.role), one.evidence].filter(Boolean).join(": ")),
);

const actRow = (act) => element(
  "li", "",
  element("span", "soft", timeOfDay(act.t)),
  element("span", "grow", act.do),
  element("strong", /failed|refused/.test(act.state) ? "bad" : act.state === "done" ? "good" : "soft", act.state.replaceAll("_", " ")),
  element("span", "full", [`${by(act.actor, act.role)} (${act.via})`, act.proof].filter(Boolean).join(": ")),
);

const alertRow = (alert) => element(
  "li", "",
  element("span", "grow", `${alert.alert} (${alert.source})`),
  element("strong", alert.state === "resolved" ? "good" : "bad", alert.state),
  element("span", "soft", timeOfDay(alert.t)),
);

const roleRow = (role) => element(
  "li", "",
  element("span", "grow", role.name),
  element("strong", role.held_by.length ? "" : "bad", role.held_by.join(", ") || "nobody holds it"),
  role.last_actor && !role.held_by.includes(role.last_actor) ? element("span", "full", `last acted in it: ${role.last_actor}`) : "",
);

const escalationRow = (one) => element(
  "li", "",
  element("span", "grow", one.role),
  one.state === "running"
    ? element("strong", "warn", ticking(() => `paged in ${span(one.due - now() + 0.999)}`))
    : element("strong", one.state === "paged" ? "bad" : "soft", one.state === "paged" ? `paged at ${timeOfDay(one.t)}` : one.state),
);

function showOver(over) {
  at("over").hidden = !over;
  at("speak").hidden = Boolean(over);
  if (!over) return;
  at("over").className = over.verdict;
  at("over-head").textContent = `The drill is over: ${over.verdict}`;
  const clean = over.clean.charAt(0).toUpperCase() + over.clean.slice(1);
  at("over-clean").textContent = [clean, board.aborted && `Aborted: ${board.aborted}`].filter(Boolean).join(". ") + `. The report is in reports/runs/${board.run}.`;
  const rows = over.findings.filter((one) => one.verdict !== "pass");
  fill("over-findings", rows.map((one) => element("li", "",
    element("strong", one.verdict === "fail" ? "bad" : "warn", one.verdict), ` ${one.check}: ${one.reason}`)));
}

function showButtons() {
  for (const button of board.buttons) {
    const shown = document.querySelector(`button[data-say="${button.say}"]`);
    shown.setAttribute("aria-disabled", String(Boolean(button.why)));
    at(`why-${button.say}`).textContent = button.why;
  }
}

function showRoleChoice() {
  const names = board.roles.map((role) => role.name);
  const known = [...at("role").options].slice(1).map((option) => option.value);
  if (names.join() === known.join()) return;
  const kept = at("role").value || localStorage.getItem("role") || "";
  at("role").replaceChildren(new Option("the one I hold", ""), ...names.map((name) => new Option(name, name)));
  at("role").value = names.includes(kept) ? kept : "";
}

function show() {
  document.title = `${board.over ? board.over.verdict : board.phase}: ${board.title}`;
  at("title").textContent = board.title;
  at("about").textContent = [`Severity ${board.severity}`, board.environment, board.run,
    board.time_scale !== 1 && `the playbook's clocks run ${board.time_scale} times as fast`].filter(Boolean).join(" · ");
  at("phase-name").textContent = board.over ? "Over" : board.phase.charAt(0).toUpperCase() + board.phase.slice(1);
  showOver(board.over);
  fill("clocks", board.clocks.map(clockRow));
  showButtons();
  showRoleChoice();
  fill("moments", board.moments.map(momentRow));
  fill("probes", board.probes.map(probeRow), "none");
  fill("faults", board.faults.map(faultRow), "none");
  fill("alerts", board.alerts.map(alertRow), "none seen");
  fill("roles", board.roles.map(roleRow), "none");
  fill("escalations", board.escalations.map(escalationRow), "none planned");
  fill("messages", board.messages.map(messageRow).reverse(), "none yet");
  fill("acts", board.acts.map(actRow).reverse(), "none yet");
  tick();
}

export function tick() {
  if (!board) return;
  at("phase-for").textContent = board.over ? "" : `for ${span(now() - board.phase_since)}, ${span(now())} in all`;
  for (const one of document.querySelectorAll("[data-ticks]")) one.tick();
}

// Said aloud to those who do not see it: moments, missed clocks and the end, each once.
function announce(before) {
  if (!before) return;
  const had = new Set(before.moments.filter((m) => m.t !== null).map((m) => m.name));
  const states = new Map(before.clocks.map((clock) => [clock.name, clock.state]));
  const news = board.moments.filter((m) => m.t !== null && !had.has(m.name))
    .map((m) => `${m.name} ${by(m.actor, m.role) && `by ${by(m.actor, m.role)}`}`);
  news.push(...board.clocks.filter((c) => c.state === "missed" && states.get(c.name) !== "missed")
    .map((c) => `${c.title} missed: ${c.note || "limit passed"}`));
  if (board.over && !before.over) news.push(`The drill is over: ${board.over.verdict}`);
  if (news.length) at("news").textContent = news.join(". ");
}
