// Curves over steps, a mean line and an interval band for each arm (uPlot).
"use strict";

const charts = [];

// Points of all runs of an arm at the steps that any of them has: step -> values.
function collect(arm, points) {
  const bySteps = new Map();
  for (const run of presentRuns(arm)) {
    const [steps, values] = points(run);
    steps.forEach((step, i) => {
      if (!bySteps.has(step)) bySteps.set(step, []);
      bySteps.get(step).push(values[i]);
    });
  }
  return bySteps;
}

function align(points) {
  const arms = study.arms.map((arm) => collect(arm, points));
  const steps = [...new Set(arms.flatMap((bySteps) => [...bySteps.keys()]))].sort((a, b) => a - b);
  const columns = [steps];
  for (const bySteps of arms) {
    const bands = steps.map((step) => (bySteps.has(step) ? meanBand(bySteps.get(step)) : [null, null, null]));
    for (const k of [0, 1, 2]) columns.push(bands.map((band) => band[k]));
  }
  return columns;
}

function seriesOf(arm, index) {
  const color = colorOf(index);
  const bound = { show: true, stroke: "transparent", points: { show: false }, spanGaps: true };
  return [
    { label: arm.label, stroke: color, width: 2, dash: dashOf(index), points: { show: false }, spanGaps: true },
    { ...bound, label: arm.label + " low" },
    { ...bound, label: arm.label + " high" },
  ];
}

function drawChart(id, points, range) {
  const place = document.getElementById(id);
  const data = align(points);
  if (data[0].length === 0) {
    place.replaceChildren(element("p", { class: "note" }, "No finished run to draw."));
    return;
  }
  const ink = dark() ? "#e9e9e6" : "#1b1b1b";
  const grid = { stroke: dark() ? "#3a3d40" : "#e2e2e2", width: 1 };
  const axis = { stroke: ink, grid, ticks: grid };
  const options = {
    width: Math.max(240, place.clientWidth),
    height: Math.round(Math.min(360, Math.max(220, place.clientWidth * 0.45))),
    legend: { show: false },
    cursor: { drag: { x: true, y: false } },
    scales: { x: { time: false }, y: { range } },
    axes: [{ ...axis, label: "step" }, { ...axis, size: 60 }],
    series: [{ label: "step" }, ...study.arms.flatMap(seriesOf)],
    bands: study.arms.map((arm, i) => ({ series: [3 * i + 3, 3 * i + 2], fill: colorOf(i) + "2e" })),
  };
  place.replaceChildren();
  new uPlot(options, data, place);
}

// The share of units alive: at each census, and the events between two of them.
function livingPoints(run) {
  const units = run.units;
  if (!units) return [[], []];
  return [run.censuses.step, run.censuses.dead.map((row) => 1 - row.reduce((a, b) => a + b, 0) / units)];
}

// Over the mean lines alone: one wild batch widens a band far beyond what is worth looking at.
function largestMean(data) {
  let largest = 0;
  for (let column = 1; column < data.length; column += 3) for (const value of data[column]) if (value > largest) largest = value;
  return largest || 1;
}

function drawCharts() {
  const scored = isLoss ? "test_loss" : "test_accuracy";
  drawChart("chart-score", (run) => [run.epochs.step, run.epochs[scored]], (u, low, high) => (isLoss ? [0, high * 1.05] : [Math.max(0, low - 0.03), Math.min(1, high + 0.03)]));
  drawChart("chart-loss", (run) => [run.curve.step, run.curve.loss], (u) => [0, 1.1 * largestMean(u.data)]);
  drawChart("chart-living", livingPoints, (u, low) => [Math.max(0, Math.min(0.9, low - 0.05)), 1.005]);
}

function drawLegends() {
  for (const place of document.querySelectorAll("[data-legend]")) {
    place.replaceChildren();
    study.arms.forEach((arm, i) => {
      const key = element("span");
      key.innerHTML = `<svg viewBox="0 0 44 12" aria-hidden="true"><line x1="0" y1="6" x2="44" y2="6" stroke="${colorOf(i)}" stroke-width="3" stroke-dasharray="${dashOf(i).join(" ")}"/></svg>`;
      key.append(arm.label);
      place.append(key);
    });
  }
}
