// The table of arms and the table of settings.
"use strict";

const COLUMNS = [
  ["arm", (arm) => arm.label],
  [isLoss ? "test loss (95% interval)" : "test accuracy, % (95% interval)", (arm) => scoreText(arm.accuracy)],
  ["n", (arm) => String(arm.accuracy.n), true],
  ["against control (95% interval)", (arm) => (arm.comparison ? differenceText(arm.comparison.difference) : "-")],
  ["verdict", (arm) => (arm.comparison ? arm.comparison.verdict : "-")],
  ["p, Holm", (arm) => (arm.comparison ? pText(arm.comparison.p_adjusted) : "-"), true],
  ["collapsed", (arm) => String(arm.collapsed), true],
  ["diverged", (arm) => String(arm.diverged), true],
  ["missing", (arm) => String(arm.missing), true],
  ["dead", (arm) => percent(arm.dead_share.mean), true],
  ["born dead", (arm) => percent(arm.born_dead_share.mean), true],
  ["revived", (arm) => percent(arm.revived_share.mean), true],
  ["always negative", (arm) => percent(arm.always_negative_share.mean), true],
  ["steps to target", (arm) => (arm.reached_target > 0 ? `${arm.steps_to_target.mean.toFixed(0)} (n = ${arm.reached_target})` : "-"), true],
  ["log10 gradient ratio", (arm) => (arm.gradient_norm_ratio_log10.mean === null ? "-" : arm.gradient_norm_ratio_log10.mean.toFixed(1)), true],
  ["us a step", (arm) => (arm.seconds_per_step.mean === null ? "-" : (1e6 * arm.seconds_per_step.mean).toFixed(0)), true],
];

function drawArms() {
  const table = document.getElementById("arms");
  table.append(element("thead", {}, element("tr", {}, ...COLUMNS.map(([title, , number]) => element("th", { scope: "col", class: number ? "number" : "" }, title)))));
  const body = element("tbody");
  for (const arm of study.arms) {
    const row = element("tr");
    COLUMNS.forEach(([title, text, number], i) => {
      const cell = element(i === 0 ? "th" : "td", i === 0 ? { scope: "row" } : { class: number ? "number" : "" }, text(arm));
      if (title === "verdict" && arm.comparison) cell.className = { helps: "helps", hurts: "hurts" }[arm.comparison.verdict] ?? "";
      row.append(cell);
    });
    body.append(row);
  }
  table.append(body);
  const n = study.data.train_examples;
  document.getElementById("arms-note").textContent =
    `dead: share of hidden units that fired on none of the ${n} training examples of ${study.data.name} at the end of a run, and whose gradient is zero there ` +
    `(n = ${n}: with 95% confidence such a unit's firing rate is below ${(3 / n).toPrecision(2)}); born dead: before the first step; revived: of those that were dead at some time, ` +
    `the share of deaths undone; always negative: never fires but keeps a gradient, so not dead; collapsed: no better than naming the most frequent class; ` +
    (study.target_accuracy > 0 ? `target: ${percent(study.target_accuracy)} test accuracy; ` : "") +
    `gradient ratio: norm of the first layer's weight gradient over the last layer's in the first epoch.`;
}

function drawSettings() {
  const table = document.getElementById("settings");
  const rows = [
    ["data", `${study.data.name}: ${study.data.train_examples} training, ${study.data.test_examples} test examples`],
    ...Object.entries(study.settings).filter(([name]) => name !== "data"),
    ["machine", study.machine],
    ["version", "undying " + study.version],
    ["wall clock", study.seconds.toFixed(1) + " s"],
  ];
  for (const [name, value] of rows) table.append(element("tr", {}, element("th", { scope: "row" }, name.replaceAll("_", " ")), element("td", {}, String(value))));
}
