// The vendored uPlot is the one of the lock file.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

test("vendored files equal the package's", () => {
  for (const [ours, theirs] of [["uPlot.iife.min.js", "dist/uPlot.iife.min.js"], ["uPlot.min.css", "dist/uPlot.min.css"], ["uPlot.LICENSE", "LICENSE"]])
    assert.equal(readFileSync(new URL(`../vendor/${ours}`, import.meta.url), "utf8"), readFileSync(new URL(`../node_modules/uplot/${theirs}`, import.meta.url), "utf8"), ours);
});
