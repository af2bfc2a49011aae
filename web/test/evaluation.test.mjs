// The page of an evaluation: complete, and equal to the JSON.
import assert from "node:assert/strict";
import { test } from "node:test";
import { cells, open } from "../testing/browser.mjs";

test("an evaluation: no error, no dialog, no request", async () => {
  const { page, trouble } = await open("evaluation");
  assert.deepEqual(trouble, []);
  await page.close();
});

test("its tables are the JSON's", async () => {
  const { page, study: evaluation } = await open("evaluation");
  const metrics = await cells(page, "#metrics");
  assert.deepEqual(metrics.slice(1).map((row) => row[0]), Object.keys(evaluation.metrics));
  assert.equal(metrics.find((row) => row[0] === "accuracy")[1], "75.00%");
  assert.deepEqual(await cells(page, "#confusion"), [["is", "no", "yes"], ["no", "1 (50%)", "1 (50%)"], ["yes", "0 (0%)", "2 (100%)"]]);
  const calibration = await cells(page, "#calibration");
  assert.equal(calibration.slice(1).reduce((sum, row) => sum + Number(row[2]), 0), 4);
  await page.close();
});

test("what was read stands there, as text", async () => {
  const { page } = await open("evaluation");
  const read = await page.textContent("#read");
  for (const words of ["people.csv: 8 + 4", "city (Oslo, <Rome>)", "id (it counts the rows)", "no (4 + 2), yes (4 + 2)", "4 of 12", "separated by ;", "tested on"]) assert.ok(read.includes(words), words);
  await page.close();
});
