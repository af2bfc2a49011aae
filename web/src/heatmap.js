// Layer x time maps of one run on a canvas, with values on hover and by arrow keys.
"use strict";

// Cividis (Nunez et al. 2018), sampled: even in lightness for any colour vision.
const SCALE = [[0, 34, 78], [18, 53, 112], [59, 73, 108], [87, 93, 109], [112, 113, 115], [138, 134, 120], [165, 156, 116], [195, 179, 105], [225, 204, 85], [254, 232, 56]];

function heatColor(share) {
  const at = Math.min(0.9999, Math.max(0, share)) * (SCALE.length - 1);
  const low = SCALE[Math.floor(at)];
  const high = SCALE[Math.ceil(at)];
  return "rgb(" + low.map((x, k) => Math.round(x + (high[k] - x) * (at - Math.floor(at)))).join(",") + ")";
}

const layerText = (name) => name.replace("layer.", "layer ");

const MARGIN = { left: 62, right: 10, top: 8, bottom: 60 };

class HeatMap {
  constructor(id, format) {
    this.canvas = document.getElementById(id);
    this.readout = document.getElementById(id + "-readout");
    this.format = format;
    this.focus = [0, 0];
    this.canvas.addEventListener("pointermove", (event) => this.point(event));
    this.canvas.addEventListener("keydown", (event) => this.move(event));
  }

  // rows[census][layer]; null is left empty, and zero crossed out where `zero` says so.
  show({ steps, layers, rows, share, low, high, title, zero = false }) {
    Object.assign(this, { steps, layers, rows, share, low, high, zero });
    this.canvas.setAttribute("aria-label", `${title}: ${layers.length} layers at ${steps.length} times; use the arrow keys to read values, or the tables below`);
    this.read(0, 0);
  }

  size() {
    const box = this.canvas.getBoundingClientRect();
    return { width: box.width, height: box.height, inner: box.width - MARGIN.left - MARGIN.right, tall: box.height - MARGIN.top - MARGIN.bottom };
  }

  draw() {
    const { width, height, inner, tall } = this.size();
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    const pen = this.canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const dx = inner / this.steps.length;
    const dy = tall / this.layers.length;
    this.rows.forEach((row, i) => row.forEach((value, j) => this.cell(pen, value, MARGIN.left + i * dx, MARGIN.top + j * dy, dx, dy)));
    this.labels(pen, inner, tall, dx, dy);
    this.scale(pen, inner, height);
    if (this.rows.length > 0) this.outline(pen, dx, dy);
  }

  cell(pen, value, x, y, dx, dy) {
    if (value === null) return;
    if (this.zero && value === 0) {
      pen.strokeStyle = ink();
      pen.beginPath();
      pen.moveTo(x + 0.3 * dx, y + 0.8 * dy);
      pen.lineTo(x + 0.7 * dx, y + 0.2 * dy);
      pen.stroke();
      return;
    }
    pen.fillStyle = heatColor(this.share(value));
    pen.fillRect(Math.floor(x), Math.floor(y), Math.ceil(x + dx) - Math.floor(x), Math.ceil(y + dy) - Math.floor(y));
  }

  // The cell whose value stands below the map.
  outline(pen, dx, dy) {
    const [i, j] = this.focus;
    for (const [color, width] of [["#ffffff", 4], ["#000000", 2]]) {
      pen.strokeStyle = color;
      pen.lineWidth = width;
      pen.strokeRect(MARGIN.left + i * dx, MARGIN.top + j * dy, dx, dy);
    }
  }

  labels(pen, inner, tall, dx, dy) {
    pen.fillStyle = ink();
    pen.font = "12px system-ui, sans-serif";
    pen.textBaseline = "middle";
    pen.textAlign = "right";
    const every = Math.ceil(14 / dy);
    this.layers.forEach((name, j) => {
      if (j % every === 0) pen.fillText(layerText(name), MARGIN.left - 6, MARGIN.top + (j + 0.5) * dy);
    });
    pen.textAlign = "center";
    const skip = Math.ceil(48 / dx);
    this.steps.forEach((step, i) => {
      if (i % skip === 0) pen.fillText(String(step), MARGIN.left + (i + 0.5) * dx, MARGIN.top + tall + 10);
    });
    pen.fillText("step", MARGIN.left + inner / 2, MARGIN.top + tall + 24);
  }

  scale(pen, inner, height) {
    const left = MARGIN.left + inner * 0.25;
    for (let x = 0; x < inner * 0.5; ++x) {
      pen.fillStyle = heatColor(x / (inner * 0.5));
      pen.fillRect(left + x, height - 22, 1.5, 8);
    }
    pen.fillStyle = ink();
    pen.textAlign = "right";
    pen.fillText(this.format(this.low), left - 6, height - 18);
    pen.textAlign = "left";
    pen.fillText(this.format(this.high), left + inner * 0.5 + 6, height - 18);
  }

  point(event) {
    if (!this.rows) return;
    const { inner, tall } = this.size();
    const i = Math.floor(((event.offsetX - MARGIN.left) / inner) * this.steps.length);
    const j = Math.floor(((event.offsetY - MARGIN.top) / tall) * this.layers.length);
    if (i >= 0 && i < this.steps.length && j >= 0 && j < this.layers.length) this.read(i, j);
  }

  move(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (!this.rows || !(event.key in moves)) return;
    event.preventDefault();
    const [di, dj] = moves[event.key];
    this.read(Math.min(this.steps.length - 1, Math.max(0, this.focus[0] + di)), Math.min(this.layers.length - 1, Math.max(0, this.focus[1] + dj)));
  }

  read(i, j) {
    this.focus = [i, j];
    this.draw();
    const value = this.rows[i]?.[j];
    this.readout.textContent = value === undefined ? "" : `${layerText(this.layers[j])}, step ${this.steps[i]}: ${value === null ? "no value" : this.format(value)}`;
  }
}

const power = (value) => (value === null ? "-" : value > 0 ? value.toExponential(1) : "0");

// Gradient norms are mapped by their logarithm between the smallest and largest of the study, at most 12 decades apart.
function gradientRange() {
  let high = 0;
  let low = Infinity;
  for (const arm of study.arms)
    for (const run of presentRuns(arm))
      for (const row of run.censuses.gradient_norm.slice(1))
        for (const value of row) {
          if (!(value > 0)) continue;
          high = Math.max(high, value);
          low = Math.min(low, value);
        }
  if (!(high > 0)) return [1e-12, 1];
  return [Math.max(low, high * 1e-12), high];
}

const firingMap = new HeatMap("heat-firing", (value) => percent(value));
const gradientMap = new HeatMap("heat-gradient", power);
const [gradientLow, gradientHigh] = gradientRange();

function drawHeatMaps(run) {
  const { step: steps, layers, firing_rate: firing, gradient_norm: gradient } = run.censuses;
  firingMap.show({ steps, layers, rows: firing, share: (x) => x, low: 0, high: 1, title: "Firing rates" });
  const span = Math.log(gradientHigh / gradientLow) || 1;
  gradientMap.show({
    steps: steps.slice(1),
    layers,
    rows: gradient.slice(1),
    share: (x) => (x > 0 ? Math.log(x / gradientLow) / span : 0),
    low: gradientLow,
    high: gradientHigh,
    title: "Gradient norms",
    zero: true,
  });
  document.getElementById("heat-tables").replaceChildren(heatTable("Firing rate", run, firing, percent), heatTable("Gradient norm", run, gradient, power));
}

function heatTable(title, run, rows, format) {
  const steps = run.censuses.step.map((step) => element("th", { scope: "col", class: "number" }, "step " + step));
  const body = run.censuses.layers.map((name, j) =>
    element("tr", {}, element("th", { scope: "row" }, layerText(name)), ...rows.map((row) => element("td", { class: "number" }, format(row[j])))),
  );
  return element("table", {}, element("caption", {}, title), element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "layer"), ...steps)), element("tbody", {}, ...body));
}
