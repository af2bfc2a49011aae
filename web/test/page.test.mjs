// The report page in Chromium. UNDYING_REPORT_FIXTURE is the program that writes the pages; UNDYING_CHROMIUM the browser.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const folder = mkdtempSync(join(tmpdir(), "undying-page-"));
let browser;

before(async () => {
  assert.ok(process.env.UNDYING_REPORT_FIXTURE, "set UNDYING_REPORT_FIXTURE to the report_fixture program");
  execFileSync(process.env.UNDYING_REPORT_FIXTURE, [folder]);
  browser = await chromium.launch({
    executablePath: process.env.UNDYING_CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
});

after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

// Opens a page and watches it: console errors, exceptions, and requests other than for the file itself.
async function open(name, options = {}) {
  const page = await browser.newPage({ viewport: { width: 1100, height: 900 }, ...options });
  const trouble = [];
  page.on("console", (message) => message.type() === "error" && trouble.push(message.text()));
  page.on("pageerror", (error) => trouble.push(String(error)));
  page.on("request", (request) => !request.url().startsWith("file:") && !request.url().startsWith("data:") && trouble.push("request " + request.url()));
  page.on("dialog", (dialog) => trouble.push("dialog " + dialog.message()));
  await page.goto(pathToFileURL(join(folder, name + ".html")).href);
  return { page, trouble, study: JSON.parse(readFileSync(join(folder, name + ".json"), "utf8")) };
}

// How many colours a canvas shows; a blank one shows one.
const colors = (page, selector) =>
  page.evaluate((chosen) => {
    const canvas = document.querySelector(chosen);
    const pixels = new Uint32Array(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer);
    return new Set(pixels).size;
  }, selector);

test("charts and heat maps are drawn, without errors or requests", async () => {
  const { page, trouble, study } = await open("whole");
  for (const chart of ["#chart-score", "#chart-loss", "#chart-living"]) assert.ok((await colors(page, chart + " canvas")) > study.arms.length, chart);
  for (const map of ["#heat-firing", "#heat-gradient"]) assert.ok((await colors(page, map)) > 6, map);
  assert.deepEqual(trouble, []);
  await page.close();
});

test("every value of the table is the JSON's", async () => {
  const { page, study } = await open("whole");
  const rows = await page.$$eval("#arms tr", (all) => all.map((row) => [...row.cells].map((cell) => cell.textContent)));
  const titles = rows[0];
  assert.equal(rows.length, study.arms.length + 1);
  const percent = (x) => (x === null ? "-" : (100 * x).toFixed(1) + "%");
  const interval = (e, sign) => {
    const show = (x) => (sign && x >= 0 ? "+" : "") + (100 * x).toFixed(2);
    return show(e.mean) + (e.lower === null ? "" : ` (${show(e.lower)} to ${show(e.upper)})`);
  };
  study.arms.forEach((arm, i) => {
    const cell = (title) => rows[i + 1][titles.findIndex((found) => found.startsWith(title))];
    assert.equal(cell("arm"), arm.label);
    assert.equal(cell("test accuracy"), interval(arm.accuracy, false));
    assert.equal(cell("n"), String(arm.accuracy.n));
    assert.equal(cell("against"), arm.comparison ? interval(arm.comparison.difference, true) : "-");
    assert.equal(cell("verdict"), arm.comparison ? arm.comparison.verdict : "-");
    assert.equal(cell("collapsed"), String(arm.collapsed));
    assert.equal(cell("diverged"), String(arm.diverged));
    assert.equal(cell("dead"), percent(arm.dead_share.mean));
    assert.equal(cell("born dead"), percent(arm.born_dead_share.mean));
    assert.equal(cell("revived"), percent(arm.revived_share.mean));
  });
  assert.equal(study.arms[4].diverged, 1);
  assert.equal(study.arms[0].collapsed, 1);
  const verdict = await page.$$eval("#verdict > p", (all) => all.map((p) => p.textContent));
  assert.deepEqual(verdict, study.verdict);
  await page.close();
});

test("strings from outside stay text", async () => {
  const { page, trouble, study } = await open("whole");
  assert.equal(await page.textContent("#command"), study.command);
  assert.equal(await page.locator("img").count(), 0);
  assert.equal(await page.locator("b", { hasText: "not bold" }).count(), 0);
  assert.deepEqual(trouble, []);
  await page.close();
});

test("an interrupted study says how many runs are missing", async () => {
  const { page, trouble, study } = await open("interrupted");
  assert.equal(study.missing, 5);
  assert.match(await page.textContent("#missing"), /5 of 15 runs are missing/);
  assert.deepEqual(trouble, []);
  await page.close();
});

test("dark and light differ and both keep text readable", async () => {
  const backs = [];
  for (const colorScheme of ["light", "dark"]) {
    const { page, trouble } = await open("whole", { colorScheme });
    const [back, text] = await page.evaluate(() => [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]);
    const light = (color) => color.match(/\d+/g).slice(0, 3).reduce((sum, x) => sum + Number(x), 0) / 765;
    assert.ok(Math.abs(light(back) - light(text)) > 0.7, `${colorScheme}: ${back} ${text}`);
    backs.push(back);
    assert.deepEqual(trouble, []);
    await page.close();
  }
  assert.notEqual(backs[0], backs[1]);
});

test("a phone needs no sideways scrolling", async () => {
  const { page } = await open("whole", { viewport: { width: 390, height: 800 } });
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 390);
  await page.close();
});

test("selectors and maps are reached and used by keyboard", async () => {
  const { page, study } = await open("whole");
  const seen = new Set();
  for (let i = 0; i < 40; ++i) {
    await page.keyboard.press("Tab");
    seen.add(await page.evaluate(() => document.activeElement.id));
  }
  for (const id of ["heat-arm", "heat-seed", "heat-firing", "heat-gradient"]) assert.ok(seen.has(id), id);
  await page.focus("#heat-firing");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowRight");
  const value = study.arms[0].runs[0].censuses.firing_rate[1][1];
  assert.match(await page.textContent("#heat-firing-readout"), new RegExp(`layer 1, step 40: ${(100 * value).toFixed(1)}%`));
  await page.close();
});

test("life lines show deaths and revivals, and follow the selection", async () => {
  const { page, study } = await open("whole");
  const events = study.arms[0].runs[0].events;
  assert.equal(await page.locator("#lives .life [role=img]").count(), Math.min(40, events.length));
  assert.match(await page.getAttribute("#lives .life span[role=img]", "aria-label"), /dead from step \d+ and fired again at step 70/);
  await page.selectOption("#heat-arm", { label: "gelu" });
  assert.match(await page.textContent("#lives-note"), /No unit of this run was ever dead/);
  await page.close();
});
