// From the runs of the study to what the charts draw: for each arm the mean over its runs and a 95% interval, at common steps.
"use strict";

// Two-sided 97.5% quantile of Student's t, by degrees of freedom; beyond the table the normal one is near enough to draw with.
const T = [NaN, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11, 2.101, 2.093, 2.086];

// [mean, lower, upper]; a single value has no interval, and none has no mean.
function meanBand(values) {
  const known = values.filter((x) => x !== null && Number.isFinite(x));
  if (known.length === 0) return [null, null, null];
  const mean = known.reduce((a, b) => a + b, 0) / known.length;
  if (known.length === 1) return [mean, null, null];
  const squares = known.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  const reach = (T[known.length - 1] ?? 1.98) * Math.sqrt(squares / (known.length - 1) / known.length);
  return [mean, mean - reach, mean + reach];
}

// The last value at or before a step; null before the first and beyond the last, where the run had not begun or was over.
function sampler([steps, values]) {
  return (step) => {
    if (steps.length === 0 || step < steps[0] || step > steps[steps.length - 1]) return null;
    let low = 0;
    let high = steps.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (steps[middle] <= step) low = middle;
      else high = middle - 1;
    }
    return values[low];
  };
}

const lossPoints = (run) => [run.curve.step, run.curve.loss];
const scorePoints = (run) => [run.epochs.step, run.epochs.test_score];

// The share of units that are not dead: what each census found, and in between the deaths and revivals by their dates.
function livingPoints(run) {
  const { step: censuses, dead } = run.censuses;
  if (!run.units || censuses.length === 0) return [[], []];
  const changes = new Map(); // step -> deaths minus revivals
  const change = (step, by) => changes.set(step, (changes.get(step) ?? 0) + by);
  for (const event of run.events) {
    event.died.forEach((step) => change(step, 1));
    event.revived.forEach((step) => change(step, -1));
  }
  const counted = new Map(censuses.map((step, i) => [step, dead[i].reduce((a, b) => a + b, 0)]));
  const last = censuses[censuses.length - 1];
  const steps = [...new Set([...censuses, ...changes.keys()])].filter((step) => step <= last).sort((a, b) => a - b);
  let now = 0;
  const values = steps.map((step) => {
    now = counted.get(step) ?? now + (changes.get(step) ?? 0);
    return 1 - now / run.units;
  });
  return [steps, values];
}

// The steps of the run that went farthest.
function longestSteps(points) {
  let longest = [];
  for (const arm of study.arms)
    for (const run of presentRuns(arm)) {
      const [steps] = points(run);
      if (steps.length > 0 && steps[steps.length - 1] > (longest[longest.length - 1] ?? -1)) longest = steps;
    }
  return longest;
}

// Every census, and enough steps in between to see deaths where they happen.
function livingSteps() {
  const censuses = longestSteps((run) => [run.censuses.step]);
  const last = censuses[censuses.length - 1] ?? 0;
  const between = Array.from({ length: 241 }, (_, i) => Math.round((last * i) / 240));
  return censuses.length === 0 ? [] : [...new Set([...censuses, ...between])].sort((a, b) => a - b);
}

// [steps, then mean, lower and upper of each arm], as uPlot takes it.
function align(steps, points) {
  const columns = [steps];
  for (const arm of study.arms) {
    const samplers = presentRuns(arm).map((run) => sampler(points(run)));
    const bands = steps.map((step) => meanBand(samplers.map((at) => at(step))));
    for (const k of [0, 1, 2]) columns.push(bands.map((band) => band[k]));
  }
  return columns;
}
