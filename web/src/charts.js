// Curves over steps: a mean line and an interval band for each arm (uPlot), with values by pointer, by arrow keys and as a table.
"use strict";

const hidden = new Set(); // arms taken out of all charts by their keys

class Chart {
  constructor(id, { name, data, range, format }) {
    Object.assign(this, { name, data, range, format });
    this.place = document.getElementById(id);
    this.legend = document.getElementById(id + "-legend");
    this.table = document.getElementById(id + "-table");
    this.place.addEventListener("keydown", (event) => this.move(event));
  }

  get empty() {
    return this.data[0].length === 0;
  }

  draw() {
    this.plot?.destroy();
    if (this.empty) {
      this.place.replaceChildren(element("p", { class: "note" }, "No finished run to draw."));
      return;
    }
    this.drawLegend();
    this.plot = new uPlot(this.options(), this.data, this.place);
    this.place.setAttribute("aria-label", `Chart of ${this.name} over steps; left and right arrow keys read values, the table below holds them`);
    this.drawTable();
  }

  options() {
    const line = { stroke: faint(), width: 1 };
    const axis = { stroke: ink, grid: line, ticks: line, font: "12px system-ui, sans-serif" };
    return {
      width: Math.max(240, this.place.clientWidth),
      height: Math.round(Math.min(360, Math.max(230, this.place.clientWidth * 0.42))),
      legend: { show: false },
      cursor: { drag: { x: true, y: false }, points: { show: false } },
      scales: { x: { time: false }, y: { range: this.range } },
      axes: [{ ...axis, size: 30, label: "step", labelSize: 18, labelGap: 0, labelFont: axis.font }, { ...axis, size: 58, values: (plot, ticks) => ticks.map((tick) => this.format(tick, true)) }],
      series: [{ label: "step" }, ...study.arms.flatMap((arm, i) => this.series(arm, i))],
      bands: study.arms.map((arm, i) => ({ series: [3 * i + 3, 3 * i + 2], fill: colorOf(i) + (study.arms.length > 4 ? "1e" : "30") })),
      hooks: { setCursor: [(plot) => this.read(plot.cursor.idx)] },
    };
  }

  series(arm, i) {
    const common = { show: !hidden.has(i), points: { show: false }, spanGaps: true };
    const bound = { ...common, stroke: "transparent" };
    const points = { show: this.data[0].length <= 12, size: 6, stroke: colorOf(i), fill: colorOf(i) }; // one epoch is one point, and no line
    return [{ ...common, points, label: arm.label, stroke: colorOf(i), width: i === 0 ? 2.5 : 2, dash: dashOf(i) }, { ...bound, label: arm.label + " lower" }, { ...bound, label: arm.label + " upper" }];
  }

  // Keys show the values under the pointer, and take their arm out of the charts and back.
  drawLegend() {
    this.values = study.arms.map(() => element("b"));
    this.at = element("span", { class: "at" });
    const keys = study.arms.map((arm, i) => {
      const key = element("button", { type: "button", "aria-pressed": String(!hidden.has(i)), "data-arm": i, title: "show or hide this arm" }, swatch(i), arm.label, this.values[i]);
      key.addEventListener("click", () => toggleArm(i));
      return key;
    });
    this.legend.replaceChildren(...keys, this.at);
  }

  read(index) {
    this.at.textContent = index == null ? "" : "at step " + this.data[0][index];
    this.values.forEach((value, i) => (value.textContent = index == null ? "" : this.format(this.data[3 * i + 1][index])));
    this.index = index;
  }

  move(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || this.empty) return;
    event.preventDefault();
    const index = Math.min(this.data[0].length - 1, Math.max(0, (this.index ?? -1) + by));
    this.plot.setCursor({ left: this.plot.valToPos(this.data[0][index], "x"), top: 10 });
  }

  show(i) {
    for (const k of [1, 2, 3]) this.plot?.setSeries(3 * i + k, { show: !hidden.has(i) });
    this.legend.children[i]?.setAttribute("aria-pressed", String(!hidden.has(i)));
  }

  drawTable() {
    const steps = this.data[0];
    const rows = steps.length <= 12 ? steps.map((_, i) => i) : Array.from({ length: 12 }, (_, i) => Math.round((i * (steps.length - 1)) / 11));
    const head = element("tr", {}, element("th", { scope: "col" }, "step"), ...study.arms.map((arm) => element("th", { scope: "col" }, arm.label)));
    const body = rows.map((row) => element("tr", {}, element("th", { scope: "row" }, String(steps[row])), ...study.arms.map((arm, i) => element("td", {}, this.cell(i, row)))));
    this.table.replaceChildren(element("thead", {}, head), element("tbody", {}, ...body));
  }

  cell(arm, row) {
    const [mean, lower, upper] = [1, 2, 3].map((k) => this.data[3 * arm + k][row]);
    return this.format(mean) + (lower === null ? "" : ` (${this.format(lower)} to ${this.format(upper)})`);
  }
}

function toggleArm(i) {
  if (!hidden.delete(i)) hidden.add(i);
  for (const chart of charts) chart.show(i);
}

// Over the mean lines alone: one wild batch widens a band far beyond what is worth looking at. A run on its way to infinity would flatten
// all others: its arm may leave the chart, unless there is no other.
function largestMean(data) {
  const largest = (arms) => Math.max(0, ...arms.flatMap((i) => data[3 * i + 1]));
  const all = study.arms.map((_, i) => i);
  return largest(all.filter((i) => study.arms[i].diverged === 0)) || largest(all) || 1;
}

const lossText = (value) => (value === null ? "-" : value === 0 ? "0" : Math.abs(value) >= 0.01 && Math.abs(value) < 1000 ? String(Number(value.toPrecision(3))) : value.toExponential(1));
const shareText = (value, axis) => (value === null ? "-" : axis ? Number((100 * value).toFixed(2)) + "%" : percent(value));

const charts = [
  new Chart("chart-score", {
    name: study.score,
    data: align(longestSteps(scorePoints), scorePoints),
    range: (plot, low, high) => (study.relative ? [0, 1.1 * largestMean(plot.data)] : [Math.max(study.percent ? 0 : -1, low - 0.03), Math.min(1, high + 0.03)]),
    format: study.percent ? shareText : lossText,
  }),
  new Chart("chart-loss", {
    name: "training loss",
    data: align(longestSteps(lossPoints), lossPoints),
    range: (plot) => [0, 1.1 * largestMean(plot.data)],
    format: lossText,
  }),
  new Chart("chart-living", {
    name: "the share of living neurons",
    data: align(livingSteps(), livingPoints),
    range: (plot, low) => [Math.max(0, Math.min(0.9, low - 0.05)), 1.005],
    format: shareText,
  }),
];

function drawCharts() {
  for (const chart of charts) chart.draw();
}
