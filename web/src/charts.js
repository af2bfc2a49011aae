// The charts of a study: score, loss and living neurons of each arm over the steps.
"use strict";

// Over the mean lines alone: one wild batch widens a band far beyond what is worth looking at. A run on its way to infinity would flatten
// all others: its arm may leave the chart, unless there is no other.
function largestMean(data) {
  const largest = (arms) => Math.max(0, ...arms.flatMap((i) => data[3 * i + 1]));
  const all = study.arms.map((_, i) => i);
  return largest(all.filter((i) => study.arms[i].diverged === 0)) || largest(all) || 1;
}

function addChart(id, { name, data, range, format }) {
  charts.push(new Chart(id, { name, lines: study.arms.map((arm) => arm.label), data, x: { title: "step" }, y: { range, format } }));
}

addChart("chart-score", {
  name: study.score,
  data: align(longestSteps(scorePoints), scorePoints),
  range: (plot, low, high) => (study.relative ? [0, 1.1 * largestMean(plot.data)] : [Math.max(study.percent ? 0 : -1, low - 0.03), Math.min(1, high + 0.03)]),
  format: study.percent ? shareText : lossText,
});
addChart("chart-loss", {
  name: "training loss",
  data: align(longestSteps(lossPoints), lossPoints),
  range: (plot) => [0, 1.1 * largestMean(plot.data)],
  format: lossText,
});
addChart("chart-living", {
  name: "the share of living neurons",
  data: align(livingSteps(), livingPoints),
  range: (plot, low) => [Math.max(0, Math.min(0.9, low - 0.05)), 1.005],
  format: shareText,
});
