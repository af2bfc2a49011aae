// Life lines: for each unit of a layer that ever died, when it was dead and when it came back.
"use strict";

const MOST_LINES = 40;
const LIFE_WIDTH = 600;
const layerSelect = document.getElementById("lives-layer");

// [from, to, whether to the end of the run]
function deadSpans(event, last) {
  return event.died.map((from, i) => [from, event.revived[i] ?? last, event.revived[i] === undefined]);
}

function spansText(event, last) {
  const spans = deadSpans(event, last);
  return spans.map(([from, to, open]) => (from === 0 ? "born dead" : `dead from step ${from}`) + (open ? (from === 0 ? " and never fired" : " to the end") : ` and fired again at step ${to}`)).join("; ");
}

// Thin where dead, wide in between.
function lifePicture(spans, last) {
  const x = (step) => (LIFE_WIDTH * Math.min(step, last)) / last;
  const bar = (from, to, y, height, color) => (to > from ? `<rect x="${x(from)}" y="${y}" width="${x(to) - x(from)}" height="${height}" fill="${color}"/>` : "");
  const ends = [0, ...spans.map(([, to]) => to)];
  const alive = ends.map((from, i) => bar(from, spans[i]?.[0] ?? last, 1, 10, colorOf(2)));
  const dead = spans.map(([from, to]) => bar(from, to, 4.75, 2.5, colorOf(3)));
  return `<svg viewBox="0 0 ${LIFE_WIDTH} 12" preserveAspectRatio="none" aria-hidden="true">${alive.join("")}${dead.join("")}</svg>`;
}

function lifeLine(run, event, last) {
  const text = spansText(event, last);
  const picture = element("span", { role: "img", "aria-label": text, title: text });
  picture.innerHTML = lifePicture(deadSpans(event, last), last);
  return element("div", { class: "life" }, element("span", {}, `${layerText(run.censuses.layers[event.layer])} unit ${event.unit}`), picture);
}

function lifeAxis(last) {
  const marks = [0, 0.25, 0.5, 0.75, 1].map((share) => element("span", {}, String(Math.round(share * last))));
  return element("div", { class: "life", "aria-hidden": "true" }, element("span", {}, "step"), element("span", { class: "ticks" }, ...marks));
}

const unitText = (run, event) => `unit ${event.unit} of ${layerText(run.censuses.layers[event.layer])}`;

// A death and a recovery to look for, in words.
function exampleText(run, last) {
  const recovered = run.events.find((event) => event.died[0] > 0 && event.revived.length > 0) ?? run.events.find((event) => event.revived.length > 0);
  const lost = run.events.find((event) => event.died[0] > 0 && event.revived.length === 0) ?? run.events.find((event) => event.revived.length < event.died.length);
  let text = "";
  if (recovered) text += ` A recovery: ${unitText(run, recovered)} was ${spansText({ died: recovered.died.slice(0, 1), revived: recovered.revived.slice(0, 1) }, last)}.`;
  if (lost) text += ` A death: ${unitText(run, lost)} was ${spansText({ died: lost.died.slice(-1), revived: [] }, last)}.`;
  return text;
}

function fillLayers(run) {
  const counts = new Map();
  for (const event of run.events) counts.set(event.layer, (counts.get(event.layer) ?? 0) + 1);
  const layers = [...counts.keys()].sort((a, b) => a - b);
  const kept = layerSelect.value;
  layerSelect.replaceChildren(
    element("option", { value: "" }, "those with most recoveries"),
    ...layers.map((layer) => element("option", { value: layer }, `${layerText(run.censuses.layers[layer])} (${counts.get(layer)} of ${run.censuses.units[layer]})`)),
  );
  layerSelect.value = layers.includes(Number(kept)) ? kept : "";
  layerSelect.disabled = layers.length === 0;
}

function chosenEvents(run) {
  if (layerSelect.value !== "") return run.events.filter((event) => event.layer === Number(layerSelect.value));
  return [...run.events].sort((a, b) => b.revived.length - a.revived.length || (a.died[0] === 0) - (b.died[0] === 0) || a.layer - b.layer);
}

function drawLives(run) {
  const place = document.getElementById("lives");
  const note = document.getElementById("lives-note");
  place.replaceChildren();
  fillLayers(run);
  if (run.events.length === 0) {
    note.textContent = "No unit of this run was ever dead.";
    return;
  }
  const last = Math.max(1, run.censuses.step[run.censuses.step.length - 1]);
  const events = chosenEvents(run);
  const back = run.events.filter((event) => event.revived.length > 0).length;
  note.textContent =
    `${run.events.length} of the ${run.units} units of this run were dead at some time (confirmed on all ${study.data.train_examples} training examples); ${back} of them fired again.` +
    exampleText(run, last) +
    (events.length > MOST_LINES ? ` ${MOST_LINES} of ${events.length} lives are shown.` : "");
  place.append(...events.slice(0, MOST_LINES).map((event) => lifeLine(run, event, last)), lifeAxis(last));
}

function drawLifeKeys() {
  const key = (spans, text) => {
    const holder = element("span", { class: "swatch" });
    holder.innerHTML = lifePicture(spans, 10);
    return element("span", { class: "key" }, holder, text);
  };
  document.getElementById("lives-legend").replaceChildren(key([], "alive: wide and blue"), key([[0, 10]], "dead: thin and orange"));
}
