// Every model that undying writes, run by ONNX Runtime: the outputs are undying's, and the batch may have any size.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import ort from "onnxruntime-node";

const folder = mkdtempSync(join(tmpdir(), "undying-onnx-"));
after(() => rmSync(folder, { recursive: true }));
execFileSync(process.env.UNDYING_WRITE_MODELS, [folder, process.env.UNDYING_ONNX_MODELS]);
const names = readdirSync(folder).filter((name) => name.endsWith(".onnx")).map((name) => name.slice(0, -5)).sort();

function tensors(file) {
  const bytes = readFileSync(file);
  const begin = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, begin).toString());
  const read = ({ shape, data_offsets: [from, to] }) => {
    const copy = bytes.subarray(begin + from, begin + to);
    return { shape, values: new Float32Array(copy.buffer.slice(copy.byteOffset, copy.byteOffset + copy.length)) };
  };
  return { input: read(header.input), output: read(header.output) };
}

async function run(session, input, first, rows) {
  const row = input.values.length / input.shape[0];
  const values = input.values.slice(first * row, (first + rows) * row);
  const outputs = await session.run({ [session.inputNames[0]]: new ort.Tensor("float32", values, [rows, ...input.shape.slice(1)]) });
  return outputs[session.outputNames[0]].data;
}

const largest = (values) => values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);

test("models were written", () => assert.ok(names.length >= 150, `${names.length} models`));

for (const name of names)
  test(name, async () => {
    const { input, output } = tensors(join(folder, name + ".safetensors"));
    const session = await ort.InferenceSession.create(join(folder, name + ".onnx"), { intraOpNumThreads: 1, logSeverityLevel: 3 });
    const scale = largest(output.values);
    assert.ok(scale > 0 && Number.isFinite(scale));
    for (const [first, rows] of [[0, input.shape[0]], [1, 3]]) {
      const found = await run(session, input, first, rows);
      const size = output.values.length / output.shape[0];
      assert.equal(found.length, rows * size);
      const difference = found.reduce((most, x, i) => Math.max(most, Math.abs(x - output.values[first * size + i])), 0);
      assert.ok(difference <= 1e-5 * scale, `largest difference ${difference}, largest output ${scale}`);
    }
    await session.release?.();
  });
