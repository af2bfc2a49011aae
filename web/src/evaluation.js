// The page of one evaluation.
"use strict";

const evaluation = JSON.parse(document.getElementById("evaluation").textContent);
const SHARES = ["accuracy", "balanced accuracy"];

const head = (...titles) => element("thead", {}, element("tr", {}, ...titles.map((title, i) => element("th", { scope: "col", class: i > 0 ? "number" : "" }, title))));
const row = (title, ...cells) => element("tr", {}, element("th", { scope: "row" }, title), ...cells.map((text) => element("td", { class: "number" }, text)));
const fill = (id, ...parts) => document.getElementById(id).append(...parts);

function drawMetrics() {
  const shown = (name, value) => (value === null ? "-" : SHARES.includes(name) ? percent(value, 2) : String(+value.toPrecision(4)));
  const asked = ([name]) => (name === evaluation.metric ? 0 : 1); // what was asked for comes first
  const rows = Object.entries(evaluation.metrics)
    .sort((a, b) => asked(a) - asked(b))
    .map(([name, metric]) => row(name, ...[metric.value, metric.lower, metric.upper].map((value) => shown(name, value))));
  fill("metrics", head("metric", "value", "95% interval from", "to"), element("tbody", {}, ...rows));
}

function drawConfusion() {
  document.getElementById("confusion-section").hidden = evaluation.classes.length === 0;
  const rows = evaluation.confusion.map((counts, i) => {
    const total = counts.reduce((a, b) => a + b, 0);
    const line = row(evaluation.classes[i], ...counts.map((count) => `${count} (${total > 0 ? percent(count / total, 0) : "-"})`));
    line.children[i + 1].classList.add("helps");
    return line;
  });
  fill("confusion", head("is", ...evaluation.classes), element("tbody", {}, ...rows));
}

function drawCalibration() {
  document.getElementById("calibration-section").hidden = evaluation.calibration === null;
  if (evaluation.calibration === null) return;
  document.getElementById("calibration-note").textContent =
    "Answers by the probability they were given: a calibrated network is right as often as it says. " +
    `Mean difference, weighted by examples: ${(100 * evaluation.calibration_error).toFixed(1)} points.`;
  const rows = evaluation.calibration.filter((bin) => bin.examples > 0).map((bin) => row(percent(bin.confidence), percent(bin.accuracy), bin.examples));
  fill("calibration", head("said", "right", "examples"), element("tbody", {}, ...rows));
}

document.getElementById("subject").textContent = `On ${evaluation.data.name}, n = ${evaluation.data.examples} examples`;
document.getElementById("command").textContent = evaluation.command;
document.getElementById("footer").textContent = `Written by undying ${evaluation.version}. All of it is in this file; nothing is loaded from elsewhere.`;
drawMetrics();
drawConfusion();
drawCalibration();
drawRead(evaluation.data.read);
