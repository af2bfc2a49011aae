// Puts the page together.
"use strict";

function drawVerdict() {
  const place = document.getElementById("verdict");
  const missing = study.missing > 0 ? study.verdict[0] : null;
  const paragraphs = missing ? study.verdict.slice(1) : study.verdict;
  for (const text of paragraphs) place.append(element("p", {}, text));
  if (missing) place.append(element("p", { class: "alert", id: "missing" }, missing));
  const sentences = study.arms.filter((arm) => arm.comparison?.sentence).map((arm) => element("p", {}, arm.comparison.sentence));
  if (sentences.length > 0) place.append(element("details", {}, element("summary", {}, "Each comparison in words"), ...sentences));
}

// "2 runs of gelu diverged", for the curves, which end there.
function divergedText() {
  const parts = study.arms.filter((arm) => arm.diverged > 0).map((arm) => `${arm.diverged} of ${arm.label}`);
  return parts.length === 0 ? "" : ` Runs that diverged (${parts.join(", ")}) are in the mean until they ended.`;
}

// "5 seeds each", "5 to 20 seeds"
function seedsText() {
  const counts = study.arms.map((arm) => arm.runs.length);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return least === most ? `${most} seed${most === 1 ? "" : "s"} each` : `${least} to ${most} seeds`;
}

function drawTexts() {
  const set = (id, text) => (document.getElementById(id).textContent = text);
  const runs = study.arms.reduce((sum, arm) => sum + arm.runs.length, 0);
  set("subject", `${study.settings.model} on ${study.data.name}: ${study.arms.length} arms, ${seedsText()}; ${runs - study.missing} of ${runs} runs finished`);
  set("score-title", scored[0].toUpperCase() + scored.slice(1));
  set("score-note", "After every epoch: mean over the seeds of an arm; the band is its 95% interval (Student's t)." + divergedText());
  set("loss-note", "Loss of single batches, of those kept since the point before (at most 500 of a run are): mean over the seeds of an arm and its 95% interval." + divergedText());
  set(
    "living-note",
    `Share of hidden units that are not dead. A census on all ${study.data.train_examples} training examples, weights frozen, counts them before the first step and after every epoch; ` +
      "in between, each death is dated by the step at which the unit fell silent and each revival by the step at which it fired again. " +
      "A silence over before the next census is not a death, so the share looks a little higher in between.",
  );
  set("command", study.command);
  set("footer", `Written by undying ${study.version}. All of it is in this file; nothing is loaded from elsewhere.`);
}

const armSelect = document.getElementById("heat-arm");
const seedSelect = document.getElementById("heat-seed");

function selectedRun() {
  return study.arms[Number(armSelect.value)]?.runs.find((run) => run.present && String(run.seed) === seedSelect.value);
}

function fillSeeds() {
  const runs = presentRuns(study.arms[Number(armSelect.value)]);
  const kept = seedSelect.value;
  seedSelect.replaceChildren(...runs.map((run) => element("option", { value: run.seed }, run.seed + (run.status === "diverged" ? " (diverged)" : run.outcome === "collapsed" ? " (collapsed)" : ""))));
  if (runs.some((run) => String(run.seed) === kept)) seedSelect.value = kept;
}

function drawRun() {
  const run = selectedRun();
  const nothing = !run || run.censuses.step.length === 0;
  document.getElementById("run").hidden = nothing;
  document.getElementById("no-run").hidden = !nothing;
  if (nothing) return;
  drawHeatMaps(run);
  drawLives(run);
}

// Begins with a run in which a unit died and came back, where there is one.
function fillArms() {
  study.arms.forEach((arm, i) => {
    if (presentRuns(arm).length > 0) armSelect.append(element("option", { value: i }, arm.label));
  });
  if (armSelect.options.length === 0) return;
  const eventful = (arm) => presentRuns(arm).find((run) => run.events.some((event) => event.revived.length > 0));
  const arm = study.arms.findIndex(eventful);
  if (arm >= 0) armSelect.value = arm;
  fillSeeds();
  if (arm >= 0) seedSelect.value = eventful(study.arms[arm]).seed;
}

function drawAll() {
  drawArms();
  drawLifeKeys();
  drawCharts();
  drawRun();
}

drawVerdict();
drawTexts();
drawWords();
drawRead(study.data.read);
drawRates();
drawSettings();
fillArms();
drawAll();

armSelect.addEventListener("change", () => {
  fillSeeds();
  drawRun();
});
seedSelect.addEventListener("change", drawRun);
layerSelect.addEventListener("change", () => drawLives(selectedRun()));
redrawWith(drawAll);
