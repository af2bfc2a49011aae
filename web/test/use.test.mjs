// How the page is used: in dark and light, on a phone, by keyboard and pointer, on paper.
import assert from "node:assert/strict";
import { test } from "node:test";
import { FIXTURES, open } from "../testing/browser.mjs";

// Relative luminance and contrast of WCAG 2.
function luminance([red, green, blue]) {
  const linear = (x) => (x / 255 <= 0.03928 ? x / 255 / 12.92 : ((x / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}

function contrast(a, b) {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

const channels = (text) => (text.startsWith("#") ? text.match(/[0-9a-f]{2}/gi).map((x) => parseInt(x, 16)) : text.match(/\d+/g).slice(0, 3).map(Number));

test("text and lines stand out in dark and in light", async () => {
  const grounds = [];
  for (const colorScheme of ["light", "dark"]) {
    const { page, trouble } = await open("whole", { colorScheme });
    const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    grounds.push(ground);
    const inks = await page.evaluate(() =>
      ["", "note", "helps", "hurts"].map((className) => getComputedStyle(document.body.appendChild(Object.assign(document.createElement("p"), { className }))).color),
    );
    for (const text of inks) assert.ok(contrast(channels(text), channels(ground)) >= 4.5, `${colorScheme}: ${text} on ${ground}`);
    const palette = await page.evaluate(() => Array.from({ length: 10 }, (_, arm) => colorOf(arm)));
    for (const color of palette) assert.ok(contrast(channels(color), channels(ground)) >= 3, `${colorScheme}: ${color} on ${ground}`);
    assert.deepEqual(trouble, []);
    await page.close();
  }
  assert.notEqual(grounds[0], grounds[1]);
});

test("no two arms share a look, and no two of the first ten a dash", async () => {
  const { page } = await open("whole");
  const looks = await page.evaluate(() => Array.from({ length: 30 }, (_, arm) => [colorOf(arm), dashOf(arm).join()]));
  assert.equal(new Set(looks.map(String)).size, 30);
  assert.equal(new Set(looks.slice(0, 10).map(([, dash]) => dash)).size, 10);
  await page.close();
});

for (const name of FIXTURES)
  test(`${name}: a phone needs no sideways scrolling`, async () => {
    const { page } = await open(name, { viewport: { width: 390, height: 800 } });
    for (const summary of await page.locator("summary:visible").all()) await summary.click();
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 390);
    await page.close();
  });

test("everything to use is reached by keyboard", async () => {
  const { page } = await open("whole");
  const seen = new Set();
  for (let i = 0; i < 60; ++i) {
    await page.keyboard.press("Tab");
    seen.add(await page.evaluate(() => document.activeElement.id || document.activeElement.dataset.arm));
  }
  for (const id of ["chart-score", "chart-loss", "chart-living", "0", "4", "heat-arm", "heat-seed", "heat-firing", "heat-gradient", "lives-layer"]) assert.ok(seen.has(id), id);
  await page.close();
});

test("heat maps are read by arrow keys and by pointer", async () => {
  const { page, study } = await open("whole");
  const { firing_rate: firing } = study.arms[0].runs[0].censuses;
  const text = (layer, step, value) => `layer ${layer}, step ${step}: ${(100 * value).toFixed(1)}%`;
  await page.focus("#heat-firing");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowRight");
  assert.equal(await page.textContent("#heat-firing-readout"), text(1, 40, firing[1][1]));
  for (let i = 0; i < 9; ++i) await page.keyboard.press("ArrowDown");
  assert.equal(await page.textContent("#heat-firing-readout"), text(5, 40, firing[1][5]));
  const box = await page.locator("#heat-firing").boundingBox();
  await page.mouse.move(box.x + 70, box.y + 12);
  assert.equal(await page.textContent("#heat-firing-readout"), text(0, 0, firing[0][0]));
  await page.close();
});

test("charts are read by arrow keys and by pointer", async () => {
  const { page, study } = await open("whole");
  const mean = (epoch) => study.arms[2].runs.reduce((total, run) => total + run.epochs.test_accuracy[epoch], 0) / 3;
  const value = () => page.textContent("#chart-score-legend [data-arm='2'] b");
  await page.focus("#chart-score");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  assert.equal(await value(), (100 * mean(1)).toFixed(1) + "%");
  assert.equal(await page.textContent("#chart-score-legend .at"), "at step 80");
  const box = await page.locator("#chart-score .u-over").boundingBox();
  await page.mouse.move(box.x + box.width - 3, box.y + 20);
  assert.equal(await value(), (100 * mean(2)).toFixed(1) + "%");
  await page.close();
});

test("a key of the legend takes its arm out of every chart and back", async () => {
  const { page } = await open("whole");
  const shown = () => page.evaluate(() => charts.map((chart) => chart.plot.series[7].show));
  await page.click("#chart-loss-legend [data-arm='2']");
  assert.deepEqual(await shown(), [false, false, false]);
  assert.equal(await page.getAttribute("#chart-score-legend [data-arm='2']", "aria-pressed"), "false");
  await page.keyboard.press("Enter");
  assert.deepEqual(await shown(), [true, true, true]);
  await page.close();
});

test("the chosen seed stays when the arm changes", async () => {
  const { page, study } = await open("whole");
  await page.selectOption("#heat-seed", "3");
  await page.selectOption("#heat-arm", { label: "leaky_relu:0.01" });
  assert.equal(await page.inputValue("#heat-seed"), "3");
  assert.equal(await page.evaluate(() => selectedRun().test_accuracy), study.arms[2].runs[2].test_accuracy);
  await page.close();
});

test("paper is white in a dark room", async () => {
  const { page, trouble } = await open("whole", { colorScheme: "dark" });
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(255, 255, 255)");
  assert.equal(await page.evaluate(() => colorOf(0)), "#000000");
  await page.evaluate(() => dispatchEvent(new Event("afterprint")));
  assert.equal(await page.evaluate(() => colorOf(0)), "#ffffff");
  assert.deepEqual(trouble, []);
  await page.close();
});
