// A chart: a mean line and an interval band for each of its lines (uPlot), with values by pointer, by arrow keys and as a table.
"use strict";

const hidden = new Set(); // labels of lines taken out of all charts by their keys
const charts = [];

const scaleOf = ({ log }) => (log ? { distr: 3 } : {});
const titled = ({ title }, font) => (title ? { label: title, labelSize: 18, labelGap: 0, labelFont: font } : {});

// `data`: x, then mean, lower and upper of each of the lines, which are labels. `x`: { title, log }; `y`: { title, log, range, format }, a
// value as it is written, for the axis where its second argument is true. `log`: that axis is logarithmic.
class Chart {
  constructor(id, { name, lines, data, x, y }) {
    Object.assign(this, { name, lines, data, x, y, format: y.format });
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
    this.place.setAttribute("aria-label", `Chart of ${this.name} over ${this.x.title}; left and right arrow keys read values, the table below holds them`);
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
      scales: { x: { time: false, ...scaleOf(this.x) }, y: { range: this.y.range, ...scaleOf(this.y) } },
      axes: [
        { ...axis, size: 30, ...titled(this.x, axis.font), ...(this.x.log ? { values: (plot, ticks) => ticks.map((tick) => (tick === null ? "" : String(tick))) } : {}) },
        { ...axis, size: 58, ...titled(this.y, axis.font), values: (plot, ticks) => ticks.map((tick) => (tick === null ? "" : this.format(tick, true))) },
      ],
      series: [{ label: this.x.title }, ...this.lines.flatMap((label, i) => this.series(label, i))],
      bands: this.lines.map((label, i) => ({ series: [3 * i + 3, 3 * i + 2], fill: colorOf(i) + (this.lines.length > 4 ? "1e" : "30") })),
      hooks: { setCursor: [(plot) => this.read(plot.cursor.idx)] },
    };
  }

  series(label, i) {
    const common = { show: !hidden.has(label), points: { show: false }, spanGaps: true };
    const bound = { ...common, stroke: "transparent" };
    const points = { show: this.data[0].length <= 12, size: 6, stroke: colorOf(i), fill: colorOf(i) }; // one epoch is one point, and no line
    return [{ ...common, points, label, stroke: colorOf(i), width: i === 0 ? 2.5 : 2, dash: dashOf(i) }, { ...bound, label: label + " lower" }, { ...bound, label: label + " upper" }];
  }

  // Keys show the values under the pointer, and take their line out of the charts and back.
  drawLegend() {
    this.values = this.lines.map(() => element("b"));
    this.at = element("span", { class: "at" });
    const keys = this.lines.map((label, i) => {
      const key = element("button", { type: "button", "aria-pressed": String(!hidden.has(label)), "data-arm": i, title: "show or hide this arm" }, swatch(i), label, this.values[i]);
      key.addEventListener("click", () => toggle(label));
      return key;
    });
    this.legend.replaceChildren(...keys, this.at);
  }

  read(index) {
    this.at.textContent = index == null ? "" : `at ${this.x.title} ${this.data[0][index]}`;
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

  show(label) {
    const i = this.lines.indexOf(label);
    if (i < 0) return;
    for (const k of [1, 2, 3]) this.plot?.setSeries(3 * i + k, { show: !hidden.has(label) });
    this.legend.children[i]?.setAttribute("aria-pressed", String(!hidden.has(label)));
  }

  drawTable() {
    const steps = this.data[0];
    const rows = steps.length <= 12 ? steps.map((_, i) => i) : Array.from({ length: 12 }, (_, i) => Math.round((i * (steps.length - 1)) / 11));
    const head = element("tr", {}, element("th", { scope: "col" }, this.x.title), ...this.lines.map((label) => element("th", { scope: "col" }, label)));
    const body = rows.map((row) => element("tr", {}, element("th", { scope: "row" }, String(steps[row])), ...this.lines.map((label, i) => element("td", {}, this.cell(i, row)))));
    this.table.replaceChildren(element("thead", {}, head), element("tbody", {}, ...body));
  }

  cell(line, row) {
    const [mean, lower, upper] = [1, 2, 3].map((k) => this.data[3 * line + k][row]);
    return this.format(mean) + (lower === null ? "" : ` (${this.format(lower)} to ${this.format(upper)})`);
  }
}

function toggle(label) {
  if (!hidden.delete(label)) hidden.add(label);
  for (const chart of charts) chart.show(label);
}

function drawCharts() {
  for (const chart of charts) chart.draw();
}

const lossText = (value) => (value === null ? "-" : value === 0 ? "0" : Math.abs(value) >= 0.01 && Math.abs(value) < 1000 ? String(Number(value.toPrecision(3))) : value.toExponential(1));
const shareText = (value, axis) => (value === null ? "-" : axis ? Number((100 * value).toFixed(2)) + "%" : percent(value));
