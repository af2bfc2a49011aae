// The study, and numbers as the page writes them.
"use strict";

const study = JSON.parse(document.getElementById("study").textContent);
// A score is shown in percent and its differences in points; or as it is, and its differences as percentages of it (losses, errors); or
// as it is, and its differences, too (F1, AUC, R2).
const scoreText = (x) => (study.percent ? (100 * x).toFixed(2) : study.relative ? x.toPrecision(4) : x.toFixed(4));
const tuned = study.data.validation_examples > 0; // every arm has a learning rate of its own
const scored = `${study.part} ${study.score}`; // "test accuracy"
const presentRuns = (arm) => arm.runs.filter((run) => run.present);

// "68.04 (54.08 to 82.00)" as its parts: the mean, and the interval, which is "" where there is none.
function intervalParts(estimate, show) {
  if (estimate.n === 0 || estimate.mean === null) return ["-", ""];
  return [show(estimate.mean), estimate.lower === null ? "" : `(${show(estimate.lower)} to ${show(estimate.upper)})`];
}

const scoreParts = (estimate) => intervalParts(estimate, scoreText);
const differenceText = (x) =>
  study.relative && x >= 10 ? `${(1 + x).toPrecision(3)} times` : study.relative || study.percent ? signed(100 * x, 2) + (study.relative ? "%" : "") : signed(x, 4);
const differenceParts = (estimate) => intervalParts(estimate, differenceText);
