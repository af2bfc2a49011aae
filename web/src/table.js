// The table of arms with what its columns mean, and the table of settings.
"use strict";

const compared = (arm, text) => (arm.comparison ? text(arm.comparison) : "-");

const marginText = study.relative ? `${+(100 * study.margin).toPrecision(3)}% of the ${study.score}` : study.percent ? `${+(100 * study.margin).toPrecision(3)} points` : `${+study.margin.toPrecision(3)}`;

const epochsText = (kept) => (kept === null ? "-" : kept.least === kept.most ? String(kept.most) : `${kept.least} to ${kept.most}`);

// Title, what it means, cell, and whether it is a number. A cell is a text, or a text and its interval.
const COLUMNS = [
  ["arm", "one activation, trained once for each seed. Control: relu. Placebo: relu again, from other initial draws; it shows what chance alone does", (arm) => arm.label],
  [
    scored + (study.percent ? ", % (95% interval)" : " (95% interval)"),
    (study.relative ? "geometric mean" : "mean") + " over the runs of the arm that learned, and Student's t interval of that mean; runs that diverged or did not beat the baseline have no part in it",
    (arm) => scoreParts(arm.score),
  ],
  ...(tuned ? [["learning rate", "the best of those tried for this arm, on validation rows", (arm) => String(arm.learning_rate), true]] : []),
  ...(study.data.watched_examples > 0
    ? [["epochs", `after which the weights of a finished run were kept, the best on ${study.data.watched_examples} training examples set aside; least to most`, (arm) => epochsText(arm.epochs_kept), true]]
    : []),
  ["n", "runs that learned, on which this rests", (arm) => String(arm.score.n), true],
  [
    "difference (simultaneous interval)",
    `mean difference, ${study.relative ? `in percent of the ${study.score}` : study.percent ? "in points" : `of ${study.score}`}; ${study.higher_is_better ? "above" : "below"} zero is better, from ${study.arms.some((arm) => arm.against_placebo) ? "the control's run" : "the mean of the control's and the placebo's runs"} of the same seed. The interval holds for all arms and all looks together; the placebo's is a plain 95% one, against the control`,
    (arm) => compared(arm, (comparison) => differenceParts(comparison.difference)),
  ],
  ["verdict", `read from that interval: helps or hurts where it leaves out zero, the same where it lies within ${marginText}, else undecided. The chance of any false "helps" or "hurts" in a study is at most ${study.error_percent}%`, (arm) => compared(arm, (comparison) => comparison.verdict ?? "-")],
  ["collapsed", `runs that ended no better than the baseline, ${scoreText(study.baseline.score)} (${study.baseline.answer})`, (arm) => String(arm.collapsed), true],
  ["diverged", "runs whose loss or gradient became infinite or not a number", (arm) => String(arm.diverged), true],
  ...(study.missing > 0 ? [["missing", "runs that were not done", (arm) => String(arm.missing), true]] : []),
  ["dead", "share of hidden units that are dead at the end of a run", (arm) => percent(arm.dead_share.mean), true],
  ["born dead", "share that was dead before the first step", (arm) => percent(arm.born_dead_share.mean), true],
  ["revived", "share of deaths, born dead included, after which the unit fired again", (arm) => percent(arm.revived_share.mean), true],
  ["always negative", "share that never fires but keeps a gradient, so is not dead", (arm) => percent(arm.always_negative_share.mean), true],
  ...(study.target_accuracy > 0
    ? [["steps to target", `steps to the first test with ${percent(study.target_accuracy)} accuracy, over the n runs that got there`, (arm) => (arm.reached_target > 0 ? [fixed(arm.steps_to_target.mean, 0), `(n = ${arm.reached_target})`] : "-"), true]]
    : []),
  ["log10 gradient ratio", "norm of the first layer's weight gradient over the last layer's, in the first epoch; below -3 the gradient vanishes", (arm) => fixed(arm.gradient_norm_ratio_log10.mean, 1), true],
  ["µs a step", "training time of one step on one core", (arm) => fixed(arm.seconds_per_step.mean === null ? null : 1e6 * arm.seconds_per_step.mean, 0), true],
];

function fillCell(cell, content) {
  const [text, interval] = Array.isArray(content) ? content : [content, ""];
  cell.append(text);
  if (interval) cell.append(" ", element("span", { class: "interval" }, interval));
}

function armRow(arm, i) {
  const row = element("tr");
  COLUMNS.forEach(([title, , content, number], column) => {
    const cell = column === 0 ? element("th", { scope: "row" }, swatch(i)) : element("td", { class: number ? "number" : "" });
    fillCell(cell, content(arm));
    if (title === "verdict" && arm.comparison) cell.className = "verdict " + ({ helps: "helps", hurts: "hurts" }[arm.comparison.verdict] ?? "");
    row.append(cell);
  });
  return row;
}

function drawArms() {
  const head = element("tr", {}, ...COLUMNS.map(([title, , , number]) => element("th", { scope: "col", class: number ? "number" : "" }, title)));
  document.getElementById("arms").replaceChildren(element("thead", {}, head), element("tbody", {}, ...study.arms.map(armRow)));
}

function drawWords() {
  const n = study.data.train_examples;
  document.getElementById("arms-note").textContent =
    `Dead on the training examples of ${study.data.name}: fired on none of the n = ${n}, weights frozen, and has no gradient there. ` +
    (n > 0 ? `With 95% confidence such a unit fires on less than 3/n = ${(3 / n).toPrecision(2)} of such examples.` : "");
  document.getElementById("words").append(...COLUMNS.flatMap(([title, meaning]) => [element("dt", {}, title.replace(" (95% interval)", "")), element("dd", {}, meaning)]));
}

// "84.31, chosen", "diverged 3 of 3"
function rateText(tried) {
  const parts = tried.score === null ? [] : [scoreText(tried.score) + (study.percent ? "%" : "")];
  for (const how of ["diverged", "collapsed"]) if (tried[how] > 0) parts.push(`${how} ${tried[how]} of ${tried.runs}`);
  if (tried.chosen) parts.push("chosen");
  return parts.join(", ");
}

// What each arm scored at each learning rate, where every arm has its own.
function drawRates() {
  if (!tuned) return;
  document.getElementById("rates-section").hidden = false;
  const arms = study.arms.filter((arm) => arm.role !== "placebo");
  const head = element("tr", {}, element("th", { scope: "col" }, "arm"), ...arms[0].rates.map((tried) => element("th", { scope: "col" }, String(tried.learning_rate))));
  const rows = arms.map((arm) =>
    element("tr", {}, element("th", { scope: "row" }, arm.label), ...arm.rates.map((tried) => element("td", tried.chosen ? { class: "chosen" } : {}, rateText(tried)))),
  );
  document.getElementById("rates").replaceChildren(element("thead", {}, head), element("tbody", {}, ...rows));
  document.getElementById("rates-note").textContent =
    `Validation ${study.score} on ${study.data.validation_examples} rows cut off the training rows, ${study.relative ? "geometric mean" : "mean"} over the runs that have one; ` +
    "of the rates with the fewest diverged runs the best was taken. No judged run and no held-out example had a part in it. The placebo has the control's rate." +
    (study.search.tried.length > 0 ? " What was advised has the figures of the search that chose it, of as many runs as that made of each." : "");
}

function drawSettings() {
  const table = document.getElementById("settings");
  const rows = [
    ["data", `${study.data.name}: ${study.data.train_examples} training, ${study.data.test_examples} ${study.part} examples`],
    ["baseline", `${scoreText(study.baseline.score)}${study.percent ? "%" : ""} (${study.baseline.answer})`],
    ...Object.entries(study.settings).filter(([name]) => name !== "data"),
    ["machine", study.machine],
    ["version", "undying " + study.version],
    ["wall clock", fixed(study.seconds, 1) + " s"],
  ];
  for (const [name, value] of rows) table.append(element("tr", {}, element("th", { scope: "row" }, name.replaceAll("_", " ")), element("td", {}, String(value))));
}
