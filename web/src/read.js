// What was read, as the program prints it.
"use strict";

const counted = (each) => `${each.name} (${each.train} + ${each.test})`;

function readRows(read) {
  const columns = read.columns.length > 0 ? `${read.columns.length} columns as ${read.shape[0]} values: ${read.columns.join(", ")}` : read.shape.join(" x ");
  const range = read.range ? ` from ${+read.range.lowest.toPrecision(6)} to ${+read.range.highest.toPrecision(6)}, mean ${+read.range.mean.toPrecision(6)}` : "";
  return [
    ["data", `${read.name}: ${read.train} + ${read.test} examples for training and testing`],
    ["inputs", columns],
    ["left out", read.dropped.map((each) => `${each.column} (${each.reason})`).join(", ")],
    ["predicted", read.task + (read.classes.length > 0 ? ": " + read.classes.map(counted).join(", ") : range)],
    ["testing", read.held_out],
    ["scaling", read.scaling],
    ["to beat", read.baseline],
    ...read.remarks.map((remark) => ["note", remark]),
    ...read.warnings.map((warning) => ["warning", warning]),
  ].filter(([, text]) => text !== "");
}

function drawRead(read) {
  document.getElementById("read").append(...readRows(read).flatMap(([name, text]) => [element("dt", {}, name), element("dd", {}, text)]));
}
