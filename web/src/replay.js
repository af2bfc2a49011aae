// The page of a replay: why units of a run died, and came back.
"use strict";

const replay = JSON.parse(document.getElementById("replay").textContent);
const PARTS = ["bias", "weights", "below", "statistics"];
const STRIP_WIDTH = 160;
const STRIP_HEIGHT = 28;

const short = (value) => (value === null ? "-" : String(+value.toPrecision(4)));
const head = (...titles) => element("thead", {}, element("tr", {}, ...titles.map(([title, kind]) => element("th", { scope: "col", class: kind ?? "" }, title))));
const number = (text) => element("td", { class: "number" }, text);
const unitOf = (event) => element("th", { scope: "row" }, `${event.layer}:${event.unit}`);
const fill = (id, ...parts) => document.getElementById(id).append(...parts);

function share(change, part) {
  if (change === null || change[part] === null) return "-";
  return `${Math.round((100 * change[part]) / (change.after - change.before)) + 0}%`;
}

// The largest z over the steps, and the line that it fires above.
function stripPicture(life, threshold) {
  const values = life.map((moment) => moment.largest);
  const low = Math.min(threshold, ...values);
  const span = Math.max(threshold, ...values) - low || 1;
  const first = life[0].step;
  const steps = life[life.length - 1].step - first || 1;
  const x = (step) => (STRIP_WIDTH * (step - first)) / steps;
  const y = (value) => 2 + (STRIP_HEIGHT - 4) * (1 - (value - low) / span);
  const points = life.map((moment) => `${x(moment.step).toFixed(1)},${y(moment.largest).toFixed(1)}`).join(" ");
  const zero = y(threshold);
  return (
    `<svg width="${STRIP_WIDTH}" height="${STRIP_HEIGHT}" viewBox="0 0 ${STRIP_WIDTH} ${STRIP_HEIGHT}" aria-hidden="true">` +
    `<line x1="0" y1="${zero}" x2="${STRIP_WIDTH}" y2="${zero}" stroke="currentColor" stroke-dasharray="2 3" opacity="0.6"/>` +
    `<polyline points="${points}" fill="none" stroke="${colorOf(2)}" stroke-width="2"/></svg>`
  );
}

function strip(event) {
  const life = event.life.filter((moment) => moment.largest !== null);
  if (life.length < 2) return element("td", {}, "-");
  const last = life[life.length - 1];
  const text = `largest z ${short(life[0].largest)} after step ${life[0].step}, ${short(last.largest)} after step ${last.step}`;
  const cell = element("td", { class: "strip" });
  const picture = element("span", { role: "img", "aria-label": text, title: text });
  picture.innerHTML = stripPicture(life, event.threshold);
  cell.append(picture);
  return cell;
}

function causeRow(event) {
  const change = event.change;
  return element(
    "tr",
    {},
    unitOf(event),
    number(String(event.step)),
    element("td", {}, event.event === "death" ? "died" : "revived"),
    element("td", {}, change === null ? event.missing : change.cause),
    number(change === null ? "-" : `${short(change.before)} (${change.from})`),
    number(change === null ? "-" : `${short(change.after)} (${change.to})`),
    ...PARTS.map((part) => number(share(change, part))),
    strip(event),
  );
}

function drawCauses() {
  const counts = new Map();
  for (const event of replay.events) if (event.event === "death" && event.cause !== null) counts.set(event.cause, (counts.get(event.cause) ?? 0) + 1);
  const deaths = [...counts].sort((a, b) => b[1] - a[1]).map(([cause, count]) => `${cause} ${count}`);
  document.getElementById("causes-note").textContent = deaths.length > 0 ? `Deaths by cause: ${deaths.join(", ")}.` : "No death is explained.";
  const numbers = ["z before (step)", "z after (step)", ...PARTS].map((title) => [title, "number"]);
  fill("causes", head(["unit"], ["step", "number"], ["what"], ["cause"], ...numbers, ["largest z"]), element("tbody", {}, ...replay.events.map(causeRow)));
}

const times = (value, usual) => short(value) + (value !== null && usual ? ` (${(value / usual).toPrecision(3)} times)` : "");

function updateRow(event) {
  const update = event.update;
  const silenced = event.event === "death" ? "silenced it" : "woke it";
  return element(
    "tr",
    {},
    unitOf(event),
    number(String(update.step)),
    element("td", {}, update.decisive ? silenced : "last that fired"),
    number(times(update.loss, update.usual_loss)),
    number(times(update.gradient_norm, update.usual_gradient_norm)),
    number(short(update.learning_rate)),
    number(short(update.bias_moved)),
    number(short(update.weights_moved)),
    number(`${update.batch.fired} of ${update.batch.n}`),
  );
}

function drawUpdates() {
  const events = replay.events.filter((event) => event.update !== null);
  document.getElementById("updates-section").hidden = events.length === 0;
  const numbers = ["loss", "gradient norm", "rate", "bias moved by", "weights by", "fired on, of its batch"].map((title) => [title, "number"]);
  fill("updates", head(["unit"], ["step", "number"], ["it"], ...numbers), element("tbody", {}, ...events.map(updateRow)));
}

document.getElementById("subject").textContent =
  `${replay.run}: ${replay.steps} steps trained again, ${replay.losses_checked} losses on record, all of them the same. ` +
  `${replay.events.length} of ${replay.events_in_all} deaths and revivals${replay.interrupted ? ", for it was interrupted" : ""}.`;
document.getElementById("command").textContent = `${replay.run_command}\n${replay.command}`;
document.getElementById("footer").textContent = `Written by undying ${replay.version}. All of it is in this file; nothing is loaded from elsewhere.`;
drawCauses();
drawUpdates();
