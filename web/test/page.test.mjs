// What the page says: drawn, complete, and equal to the JSON.
import assert from "node:assert/strict";
import { test } from "node:test";
import { FIXTURES, cells, colors, open } from "../testing/browser.mjs";

const percent = (x) => (x === null ? "-" : (100 * x).toFixed(1) + "%");
const sum = (values) => values.reduce((a, b) => a + b, 0);

for (const name of FIXTURES)
  test(`${name}: no error, no dialog, no request`, async () => {
    const { page, trouble, study } = await open(name);
    assert.deepEqual(trouble, []);
    const verdict = await page.$$eval("#verdict > p", (all) => all.map((p) => p.textContent));
    assert.deepEqual(verdict.sort(), study.verdict.sort());
    await page.close();
  });

test("what was read stands there", async () => {
  const { page, study } = await open("whole");
  const read = await page.textContent("#read");
  for (const words of [study.data.read.name, study.data.read.held_out, study.data.read.baseline, study.data.read.task]) assert.ok(read.includes(words), words);
  await page.close();
});

test("charts and heat maps are drawn", async () => {
  const { page, study } = await open("whole");
  for (const chart of ["#chart-score", "#chart-loss", "#chart-living"]) assert.ok((await colors(page, chart + " canvas")) > study.arms.length, chart);
  for (const map of ["#heat-firing", "#heat-gradient"]) assert.ok((await colors(page, map)) > 6, map);
  await page.close();
});

function interval(estimate, show) {
  if (estimate.n === 0) return "-";
  return show(estimate.mean) + (estimate.lower === null ? "" : ` (${show(estimate.lower)} to ${show(estimate.upper)})`);
}

for (const name of ["whole", "interrupted", "one-seed", "regression", "tuned", "stopped"])
  test(`${name}: every value of the table is the JSON's`, async () => {
    const { page, study } = await open(name);
    const rows = await cells(page, "#arms");
    assert.equal(rows.length, study.arms.length + 1);
    const plain = (x) => ({ loss: x.toPrecision(4), accuracy: (100 * x).toFixed(2), AUC: x.toFixed(4) })[study.score];
    const sign = (x) => (x >= 0 ? "+" : "-");
    const signed = (x) => sign(x) + { loss: Math.abs(100 * x).toFixed(2) + "%", accuracy: Math.abs(100 * x).toFixed(2), AUC: Math.abs(x).toFixed(4) }[study.score];
    const steps = (arm) => (arm.reached_target > 0 ? `${arm.steps_to_target.mean.toFixed(0)} (n = ${arm.reached_target})` : "-");
    study.arms.forEach((arm, i) => {
      const expected = {
        arm: arm.label,
        [`${study.part} ${study.score}`]: interval(arm.score, plain),
        ...(study.data.watched_examples > 0 ? { epochs: arm.label === "relu (control)" ? "2 to 3" : "3" } : {}),
        ...(study.data.validation_examples > 0 ? { "learning rate": String(arm.learning_rate) } : {}),
        n: String(arm.score.n),
        difference: arm.comparison ? interval(arm.comparison.difference, signed) : "-",
        verdict: arm.comparison?.verdict ?? "-",
        collapsed: String(arm.collapsed),
        diverged: String(arm.diverged),
        ...(study.missing > 0 ? { missing: String(arm.missing) } : {}),
        dead: percent(arm.dead_share.mean),
        "born dead": percent(arm.born_dead_share.mean),
        revived: percent(arm.revived_share.mean),
        "always negative": percent(arm.always_negative_share.mean),
        ...(study.target_accuracy > 0 ? { "steps to target": steps(arm) } : {}),
        "log10 gradient ratio": arm.gradient_norm_ratio_log10.mean.toFixed(1),
        "µs a step": (1e6 * arm.seconds_per_step.mean).toFixed(0),
      };
      const found = (title) => rows[i + 1][rows[0].findIndex((head) => head.startsWith(title))];
      for (const [title, value] of Object.entries(expected)) assert.equal(found(title), value, `${arm.label}, ${title}`);
      assert.equal(rows[i + 1].length, Object.keys(expected).length);
    });
    await page.close();
  });

test("the fixture holds a collapsed and a diverged run", async () => {
  const { page, study } = await open("whole");
  assert.equal(study.arms[0].collapsed, 1);
  assert.equal(study.arms[4].diverged, 1);
  assert.match(await page.textContent("#score-note"), /diverged \(1 of gelu\)/);
  await page.close();
});

test("learning rates that were tried stand beside the one that was taken", async () => {
  const { page } = await open("tuned");
  const rows = await cells(page, "#rates");
  assert.deepEqual(rows[0], ["arm", "0.03", "0.3", "3"]);
  assert.deepEqual(rows[1], ["relu (control)", "40.00%, collapsed 1 of 3, chosen", "60.00%", "diverged 3 of 3"]);
  assert.deepEqual(rows[2], ["leaky_relu:0.01", "40.00%, collapsed 1 of 3", "60.00%, chosen", "diverged 3 of 3"]);
  assert.match(await page.textContent("#rates-note"), /250 rows cut off the training rows/);
  await page.close();
  const { page: other } = await open("whole");
  assert.equal(await other.isVisible("#rates-section"), false);
  await other.close();
});

test("curves are the mean over seeds with its 95% interval", async () => {
  const { page, study } = await open("whole");
  const rows = await cells(page, "#chart-score-table");
  const steps = study.arms[0].runs[0].epochs.step;
  assert.deepEqual(rows.slice(1).map((row) => Number(row[0])), steps);
  study.arms.slice(0, 4).forEach((arm, i) =>
    steps.forEach((step, k) => {
      const values = arm.runs.map((run) => 100 * run.epochs.test_accuracy[k]);
      const mean = sum(values) / 3;
      const reach = 4.302653 * Math.sqrt(sum(values.map((x) => (x - mean) ** 2)) / 2 / 3); // t of two degrees of freedom
      const [found, lower, upper] = rows[k + 1][i + 1].match(/-?[\d.]+(?=%)/g).map(Number);
      for (const [text, value] of [[found, mean], [lower, mean - reach], [upper, mean + reach]]) assert.ok(Math.abs(text - value) <= 0.06, `${arm.label} at ${step}: ${text} is not ${value}`);
    }),
  );
  await page.close();
});

test("the share of living neurons is the census's, and in between follows deaths and revivals", async () => {
  const { page, study } = await open("whole");
  const run = study.arms[0].runs[0];
  const living = (step) => page.evaluate((at) => charts[2].data[1][charts[2].data[0].indexOf(at)], step);
  for (const [i, step] of run.censuses.step.entries()) {
    const dead = sum(study.arms[0].runs.map((each) => sum(each.censuses.dead[i]) / each.units)) / 3;
    assert.ok(Math.abs((await living(step)) - (1 - dead)) < 1e-12, `step ${step}`);
  }
  const deadAt = (step) => sum(run.events.map((event) => event.died.filter((at) => at <= step).length - event.revived.filter((at) => at <= step).length));
  for (const step of [19, 20, 60, 69, 70, 100]) assert.ok(Math.abs((await living(step)) - (1 - deadAt(step) / run.units)) < 1e-12, `step ${step}`);
  assert.notEqual(deadAt(69), deadAt(70));
  await page.close();
});

test("heat maps stand beside tables with every value of the JSON", async () => {
  const { page, study } = await open("whole");
  const rows = await cells(page, "#heat-tables");
  const { layers, step, firing_rate: firing, gradient_norm: gradient } = study.arms[0].runs[0].censuses;
  assert.equal(rows.length, 2 * (layers.length + 1));
  layers.forEach((name, j) => {
    assert.deepEqual(rows[1 + j].slice(1), step.map((_, i) => percent(firing[i][j])));
    assert.deepEqual(rows[2 + layers.length + j].slice(1).map(Number), step.map((_, i) => gradient[i][j]));
  });
  await page.close();
});

test("settings, command and machine are those of the study, and strings from outside stay text", async () => {
  const { page, trouble, study } = await open("whole");
  assert.equal(await page.textContent("#command"), study.command);
  const settings = Object.fromEntries(await cells(page, "#settings"));
  for (const [name, value] of Object.entries(study.settings)) if (name !== "data") assert.equal(settings[name.replaceAll("_", " ")], String(value));
  assert.equal(settings.machine, study.machine);
  assert.equal(await page.locator("img").count(), 0);
  assert.equal(await page.locator("b", { hasText: "not bold" }).count(), 0);
  assert.deepEqual(trouble, []);
  await page.close();
});

test("an interrupted study says how many runs are missing", async () => {
  for (const [name, text] of [["interrupted", /5 of 15 runs are missing/], ["nothing", /before any of 10 runs was finished/]]) {
    const { page } = await open(name);
    assert.match(await page.textContent("#missing"), text);
    await page.close();
  }
});

test("where nothing was measured the page says so", async () => {
  const { page } = await open("nothing");
  for (const chart of ["#chart-score", "#chart-loss", "#chart-living"]) assert.match(await page.textContent(chart), /No finished run to draw/);
  assert.ok(await page.isVisible("#no-run"));
  assert.ok(!(await page.isVisible("#run")));
  await page.close();
});

test("every column and the word dead are explained", async () => {
  const { page, study } = await open("whole");
  const heads = (await cells(page, "#arms"))[0];
  assert.equal(await page.locator("#words dt").count(), heads.length);
  assert.match(await page.textContent("#arms-note"), new RegExp(`n = ${study.data.train_examples}.*3/n = 0\\.0030`));
  await page.close();
});

test("life lines show deaths and revivals, and follow the selection", async () => {
  const { page, study } = await open("whole");
  const events = study.arms[0].runs[0].events;
  const lines = "#lives .life [role=img]";
  assert.equal(await page.locator(lines).count(), Math.min(40, events.length));
  assert.equal(await page.getAttribute(lines, "aria-label"), "dead from step 20 and fired again at step 70");
  assert.match(await page.textContent("#lives-note"), /A recovery: unit 1 of layer 2 was dead from step 20 and fired again at step 70\. A death: unit 2 of layer 3 was dead from step 50 to the end\./);
  await page.selectOption("#lives-layer", "3");
  assert.deepEqual(await page.$$eval("#lives .life > span:first-child", (all) => all.map((span) => span.textContent)), ["layer 3 unit 0", "layer 3 unit 1", "layer 3 unit 2", "step"]);
  await page.selectOption("#heat-arm", { label: "gelu" });
  assert.match(await page.textContent("#lives-note"), /No unit of this run was ever dead/);
  await page.close();
});
