// Chromium for the page tests. UNDYING_REPORT_FIXTURE is the program that writes the pages; UNDYING_CHROMIUM the browser.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

export const FIXTURES = ["whole", "interrupted", "nothing", "one-seed", "regression", "tuned", "stopped", "no-census"];

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

// Opens a page and watches it: console errors, exceptions, dialogs, and requests other than for the file itself.
export async function open(name, options = {}) {
  const page = await browser.newPage({ viewport: { width: 1100, height: 900 }, ...options });
  const trouble = [];
  page.on("console", (message) => message.type() === "error" && trouble.push(message.text()));
  page.on("pageerror", (error) => trouble.push(String(error)));
  page.on("request", (request) => !request.url().startsWith("file:") && !request.url().startsWith("data:") && trouble.push("request " + request.url()));
  page.on("dialog", (dialog) => trouble.push("dialog " + dialog.message()));
  await page.goto(pathToFileURL(join(folder, name + ".html")).href);
  return { page, trouble, study: JSON.parse(readFileSync(join(folder, name + ".json"), "utf8")) };
}

// The texts of a table, row by row.
export const cells = (page, selector) => page.$$eval(selector + " tr", (rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent)));

// How many colours a canvas shows; a blank one shows one.
export const colors = (page, selector) =>
  page.evaluate((chosen) => {
    const canvas = document.querySelector(chosen);
    const pixels = new Uint32Array(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer);
    return new Set(pixels).size;
  }, selector);
