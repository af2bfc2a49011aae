// The page of a replay: complete, and equal to the JSON.
import assert from "node:assert/strict";
import { test } from "node:test";
import { cells, open } from "../testing/browser.mjs";

test("a replay: no error, no dialog, no request", async () => {
  const { page, trouble } = await open("replay");
  assert.deepEqual(trouble, []);
  await page.close();
});

test("its causes are the JSON's", async () => {
  const { page, study: replay } = await open("replay");
  const rows = (await cells(page, "#causes")).slice(1);
  assert.equal(rows.length, replay.events.length);
  assert.deepEqual(rows[0].slice(0, 10), ["layer.<1>:3", "40", "died", "bias", "1.5 (8)", "-0.5 (40)", "75%", "50%", "-25%", "-"]);
  assert.deepEqual(rows[1].slice(0, 5), ["layer.<1>:4", "60", "revived", "what fires is not among the rows", "-"]);
  assert.ok((await page.textContent("#causes-note")).includes("bias 1"));
  assert.ok((await page.textContent("#subject")).includes("2 of 5 deaths and revivals"));
  await page.close();
});

test("a strip is drawn for a life, and says in words what it shows", async () => {
  const { page } = await open("replay");
  assert.equal(await page.locator("#causes svg polyline").count(), 1);
  assert.equal(await page.locator("#causes td.strip span").first().getAttribute("aria-label"), "largest z 1.5 after step 8, -0.5 after step 40");
  await page.close();
});

test("updates stand beside what was usual", async () => {
  const { page } = await open("replay");
  const rows = await cells(page, "#updates");
  assert.deepEqual(rows[1], ["layer.<1>:3", "40", "silenced it", "3 (2.00 times)", "8 (4.00 times)", "0.1", "0.25", "0.5", "1 of 20"]);
  assert.equal(rows.length, 2);
  await page.close();
});
