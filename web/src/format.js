// The study, and numbers as the page writes them.
"use strict";

const study = JSON.parse(document.getElementById("study").textContent);
const isLoss = study.score === "loss";
const scored = `${study.part} ${study.score}`; // "test accuracy"
const presentRuns = (arm) => arm.runs.filter((run) => run.present);

// "68.04 (54.08 to 82.00)" as its parts: the mean, and the interval, which is "" where there is none.
function intervalParts(estimate, show) {
  if (estimate.n === 0 || estimate.mean === null) return ["-", ""];
  return [show(estimate.mean), estimate.lower === null ? "" : `(${show(estimate.lower)} to ${show(estimate.upper)})`];
}

const scoreParts = (estimate) => intervalParts(estimate, (x) => (isLoss ? x.toPrecision(4) : (100 * x).toFixed(2)));
const differenceParts = (estimate) => intervalParts(estimate, (x) => (isLoss && x >= 10 ? `${(1 + x).toPrecision(3)} times` : signed(100 * x, 2) + (isLoss ? "%" : "")));
