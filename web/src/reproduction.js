// The page of a published result that was run again: its claims, its plots, its tables.
"use strict";

const found = JSON.parse(document.getElementById("reproduction").textContent);
const fill = (id, ...parts) => document.getElementById(id).append(...parts);
const headOf = (titles) => element("thead", {}, element("tr", {}, ...titles.map((title) => element("th", { scope: "col" }, title))));

function drawClaims() {
  const kinds = { agrees: "helps", differs: "hurts" };
  const rows = found.claims.map((claim) =>
    element("tr", {}, element("td", { class: "words" }, claim.published), element("td", { class: "words" }, claim.found), element("td", { class: kinds[claim.verdict] ?? "" }, claim.verdict)),
  );
  fill("claims", headOf(["published", "found", "verdict"]), element("tbody", {}, ...rows));
  document.getElementById("missing").textContent = found.missing > 0 ? `Interrupted: ${found.missing} runs are missing.` : "";
}

// [x, then mean, lower and upper of each curve], at all x that a curve has. What a logarithmic axis cannot show is left out.
function columnsOf(plot) {
  const xs = [...new Set(plot.curves.flatMap((curve) => curve.x))].filter((x) => !plot.x.log || x > 0).sort((a, b) => a - b);
  const columns = [xs];
  for (const curve of plot.curves) {
    const at = new Map(curve.x.map((x, i) => [x, i]));
    for (const values of [curve.mean, curve.lower, curve.upper]) columns.push(xs.map((x) => (at.has(x) ? shown(values[at.get(x)], plot.y) : null)));
  }
  return columns;
}

const shown = (value, axis) => (axis.log && value !== null && value <= 0 ? null : value);
const tickText = (value) => (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6) ? (+value.toPrecision(3)).toExponential() : String(+value.toPrecision(6)));
const figureText = (value, axis) => (value === null ? "-" : axis ? tickText(value) : lossText(value));

// All of the means, and of their bands what is no farther beyond these than they are from one another: an interval of two runs would
// flatten every line.
function rangeOf(columns, axis) {
  const to = axis.log ? Math.log : (x) => x;
  const from = axis.log ? Math.exp : (x) => x;
  const known = (k) => columns.filter((_, i) => i > 0 && (i - 1) % 3 === k).flatMap((column) => column.filter((x) => x !== null).map(to));
  const means = known(0);
  if (means.length === 0) return [axis.log ? 0.1 : 0, 1];
  const [low, high] = [Math.min(...means), Math.max(...means)];
  const span = high - low || Math.abs(high) / 10 || 1;
  const least = Math.min(low - span / 20, Math.max(low - span, Math.min(low, ...known(1))));
  const most = Math.max(high + span / 20, Math.min(high + span, Math.max(high, ...known(2))));
  return axis.percent ? [Math.max(-0.005, least), Math.min(1.005, most)] : [from(least), from(most)];
}

function addPlot(plot, i) {
  const id = `plot-${i}`;
  const chart = element("div", { id, class: "chart", tabindex: "0", role: "img" });
  const table = element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Values of: ${plot.title}` }, element("table", { id: `${id}-table` }));
  fill("plots", element("figure", {}, element("h3", {}, plot.title), element("div", { id: `${id}-legend`, class: "legend" }), chart, element("details", {}, element("summary", {}, "The same as a table"), table)));
  const format = plot.y.percent ? shareText : figureText;
  const data = columnsOf(plot);
  const range = rangeOf(data, plot.y);
  charts.push(new Chart(id, { name: plot.title, lines: plot.curves.map((curve) => curve.label), data, x: plot.x, y: { ...plot.y, format, range: () => range } }));
}

function drawTables() {
  for (const table of found.tables) {
    const rows = table.rows.map((row) => element("tr", {}, element("th", { scope: "row" }, row[0]), ...row.slice(1).map((cell) => element("td", {}, cell))));
    fill("tables", element("p", { class: "note" }, table.title), element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": table.title }, element("table", {}, headOf(table.columns), element("tbody", {}, ...rows))));
  }
}

document.getElementById("title").textContent = found.title;
document.getElementById("subject").textContent = `${found.source}. Here: ${found.setting}.`;
document.getElementById("command").textContent = found.command;
document.getElementById("footer").textContent = `Written by undying ${found.version}. All of it is in this file; nothing is loaded from elsewhere.`;
document.getElementById("plots-section").hidden = found.plots.length === 0;
drawClaims();
found.plots.forEach(addPlot);
drawTables();
drawCharts();
redrawWith(drawCharts);
