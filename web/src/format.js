// Numbers as the page writes them, and the look of each arm.
"use strict";

const study = JSON.parse(document.getElementById("study").textContent);
const isLoss = study.score === "test loss";

// Okabe and Ito's colours: told apart with any colour vision; dashes tell the arms apart without any.
const COLORS = ["#555555", "#999999", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d00", "#7a3db8"];
const DASHES = [[], [2, 3], [8, 3], [2, 2, 8, 2], [12, 4], [4, 4], [1, 4], [14, 3, 3, 3], [6, 2, 2, 2, 2, 2], [3, 6]];
const colorOf = (arm) => COLORS[arm % COLORS.length];
const dashOf = (arm) => DASHES[arm % DASHES.length];

function dark() {
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function percent(value, digits = 1) {
  return value === null ? "-" : (100 * value).toFixed(digits) + "%";
}

function signed(value, digits) {
  return (value >= 0 ? "+" : "-") + Math.abs(value).toFixed(digits);
}

function scoreText(estimate) {
  if (estimate.n === 0 || estimate.mean === null) return "-";
  const show = (x) => (isLoss ? x.toPrecision(4) : (100 * x).toFixed(2));
  const bounds = estimate.lower === null ? "" : ` (${show(estimate.lower)} to ${show(estimate.upper)})`;
  return show(estimate.mean) + bounds;
}

function differenceText(estimate) {
  if (estimate.n === 0 || estimate.mean === null) return "-";
  const show = (x) => (isLoss ? (x >= 0 ? "+" : "") + x.toPrecision(3) : signed(100 * x, 2));
  const bounds = estimate.lower === null ? "" : ` (${show(estimate.lower)} to ${show(estimate.upper)})`;
  return show(estimate.mean) + bounds;
}

function pText(p) {
  return p < 0.0001 ? "< 0.0001" : p.toPrecision(2);
}

// Two-sided 97.5% quantile of Student's t, by degrees of freedom; beyond the table the normal one is near enough to draw with.
const T = [NaN, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11, 2.101, 2.093, 2.086];

function meanBand(values) {
  const known = values.filter((x) => x !== null && Number.isFinite(x));
  if (known.length === 0) return [null, null, null];
  const mean = known.reduce((a, b) => a + b, 0) / known.length;
  if (known.length === 1) return [mean, mean, mean];
  const squares = known.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  const reach = (T[known.length - 1] ?? 1.98) * Math.sqrt(squares / (known.length - 1) / known.length);
  return [mean, mean - reach, mean + reach];
}

const presentRuns = (arm) => arm.runs.filter((run) => run.present);
