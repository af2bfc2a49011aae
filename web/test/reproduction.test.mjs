// The page of a published result that was run again: drawn, complete, and equal to the JSON.
import assert from "node:assert/strict";
import { test } from "node:test";
import { cells, colors, open } from "../testing/browser.mjs";

test("a reproduction: no error, no dialog, no request", async () => {
  const { page, trouble, study: found } = await open("reproduction");
  assert.deepEqual(trouble, []);
  assert.equal(await page.textContent("h1"), found.title);
  assert.equal(await page.textContent("#subject"), "A. et al. 2015. Here: on <b>spirals</b>.");
  assert.equal(await page.textContent("#command"), found.command);
  await page.close();
});

test("its claims and tables are the JSON's", async () => {
  const { page, study: found } = await open("reproduction");
  assert.deepEqual((await cells(page, "#claims")).slice(1), found.claims.map((claim) => [claim.published, claim.found, claim.verdict]));
  assert.deepEqual(await cells(page, "#tables table"), [found.tables[0].columns, ...found.tables[0].rows]);
  await page.close();
});

test("every plot is drawn with its lines, bands and titles", async () => {
  const { page, study: found } = await open("reproduction");
  for (const [i, plot] of found.plots.entries()) {
    assert.ok((await colors(page, `#plot-${i} canvas`)) > plot.curves.length, plot.title);
    assert.deepEqual(await page.$$eval(`#plot-${i}-legend button`, (keys) => keys.map((key) => key.textContent)), plot.curves.map((curve) => curve.label));
    assert.equal(await page.evaluate((k) => charts[k].plot.axes.map((axis) => axis.label).join(), i), `${plot.x.title},${plot.y.title}`);
    assert.equal(await page.evaluate((k) => charts[k].plot.bands.length, i), plot.curves.length);
  }
  await page.close();
});

test("a logarithmic axis leaves out what it cannot show", async () => {
  const { page } = await open("reproduction");
  const scales = await page.evaluate(() => ["x", "y"].map((name) => charts[0].plot.scales[name].distr));
  assert.deepEqual(scales, [3, 3]);
  const rows = await cells(page, "#plot-0-table");
  assert.deepEqual(rows, [
    ["learning rate", "relu", "<i>tanh</i>"],
    ["0.001", "0.5 (0.25 to 1)", "-"],
    ["0.01", "0.05", "2 (1 to 4)"],
    ["0.1", "5", "-"],
  ]);
  await page.close();
});

test("values are read by arrow keys, and a key takes its line out of every plot", async () => {
  const { page } = await open("reproduction");
  await page.focus("#plot-1");
  for (let i = 0; i < 3; ++i) await page.keyboard.press("ArrowRight");
  assert.equal(await page.textContent("#plot-1-legend .at"), "at task 3");
  assert.equal(await page.textContent("#plot-1-legend [data-arm='1'] b"), "77.0%");
  await page.click("#plot-1-legend [data-arm='0']");
  assert.deepEqual(await page.evaluate(() => charts.map((chart) => chart.plot.series[1].show)), [false, false]);
  assert.deepEqual(await page.evaluate(() => charts.map((chart) => chart.plot.series[4].show)), [true, true]);
  await page.close();
});
