// Puts the page together.
"use strict";

function drawVerdict() {
  const place = document.getElementById("verdict");
  const missing = study.missing > 0 ? study.verdict[0] : null;
  const paragraphs = missing ? study.verdict.slice(1) : study.verdict;
  for (const text of paragraphs) place.append(element("p", {}, text));
  if (missing) place.append(element("p", { class: "alert", id: "missing" }, missing));
  const details = element("details", {}, element("summary", {}, "Each comparison in words"));
  for (const arm of study.arms) if (arm.comparison) details.append(element("p", {}, arm.comparison.sentence));
  place.append(details);
}

function drawTexts() {
  const runs = study.arms.reduce((sum, arm) => sum + arm.runs.length, 0);
  document.getElementById("subject").textContent = `${study.settings.model} on ${study.data.name}: ${study.arms.length} arms x ${study.settings.seeds} seeds, ${runs - study.missing} runs finished`;
  document.getElementById("score-title").textContent = isLoss ? "Test loss" : "Test accuracy";
  document.getElementById("living-note").textContent =
    `Share of hidden units that are not dead, at the census before the first step and after every epoch: all ${study.data.train_examples} training examples of ${study.data.name}, weights frozen. Mean and 95% interval over seeds.`;
  document.getElementById("command").textContent = study.command;
  document.getElementById("footer").textContent = `Written by undying ${study.version}. All of it is in this file; nothing is loaded from elsewhere.`;
}

const armSelect = document.getElementById("heat-arm");
const seedSelect = document.getElementById("heat-seed");

function selectedRun() {
  return study.arms[Number(armSelect.value)]?.runs.find((run) => String(run.seed) === seedSelect.value);
}

function fillSeeds() {
  seedSelect.replaceChildren(...presentRuns(study.arms[Number(armSelect.value)]).map((run) => element("option", { value: run.seed }, String(run.seed))));
}

function drawRun() {
  const run = selectedRun();
  if (!run || run.censuses.step.length === 0) {
    document.getElementById("lives-note").textContent = "No census of this run: nothing to show.";
    return;
  }
  drawHeatMaps(run);
  drawLives(run);
}

function fillArms() {
  study.arms.forEach((arm, i) => {
    if (presentRuns(arm).length > 0) armSelect.append(element("option", { value: i }, arm.label));
  });
  if (armSelect.options.length > 0) fillSeeds();
}

function drawAll() {
  drawLegends();
  drawCharts();
  drawRun();
}

drawVerdict();
drawTexts();
drawArms();
drawSettings();
fillArms();
drawAll();
armSelect.addEventListener("change", () => {
  fillSeeds();
  drawRun();
});
seedSelect.addEventListener("change", drawRun);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
let lastWidth = innerWidth;
addEventListener("resize", () => {
  if (innerWidth === lastWidth) return;
  lastWidth = innerWidth;
  drawAll();
});
