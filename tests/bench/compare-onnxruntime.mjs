// Times a model in `sth bench` and in ONNX Runtime, in turn, in one run: these two only mean something as a ratio.
//
//   npm install --ignore-scripts --prefix build/rivals onnxruntime-node@1.30
//   NODE_PATH=build/rivals/node_modules node tests/bench/compare-onnxruntime.mjs [--threads N] [--rounds N] OURS.onnx [THEIRS.onnx …]
//
// THEIRS are other exports of the same network (frames as batch, say): the rival gets the one that it runs fastest. A round is five runs of each after
// two to warm up; printed are minimum and median over all rounds, and the median of the rounds' ratios of medians.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
import { createRequire } from 'node:module';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import os from 'node:os';

const require = createRequire(path.join(process.env.NODE_PATH ?? '.', 'x.js'));
const ort = require('onnxruntime-node');
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const sth = process.env.STH ?? path.join(root, 'build/src/cli/sth');
const ITERATIONS = 5;

function option(name, fallback) {
  const at = process.argv.indexOf(name);
  return at < 0 ? fallback : Number(process.argv.splice(at, 2)[1]);
}
const threads = option('--threads', 1);
const rounds = option('--rounds', 10);
const [ours, ...others] = process.argv.slice(2);
if (!ours) {
  console.error('usage: compare-onnxruntime.mjs [--threads N] [--rounds N] OURS.onnx [THEIRS.onnx …]');
  process.exit(2);
}

const median = values => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

async function openRival(file) {
  const session = await ort.InferenceSession.create(file, { intraOpNumThreads: threads, interOpNumThreads: 1, graphOptimizationLevel: 'all' });
  const shape = session.inputMetadata[0].shape.map(Number);
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i));
  return { file, session, feeds: { [session.inputNames[0]]: new ort.Tensor('float32', data, shape) }, times: [] };
}

async function runRival(rival) {
  const times = [];
  for (let i = -2; i < ITERATIONS; i++) {
    const start = process.hrtime.bigint();
    await rival.session.run(rival.feeds);
    if (i >= 0) times.push(Number(process.hrtime.bigint() - start) / 1e6);
  }
  rival.times.push(...times);
  return median(times);
}

function runOurs(times) {
  const out = execFileSync(sth, ['bench', ours, '--json', '--threads', String(threads), '--iterations', String(ITERATIONS)]);
  const result = JSON.parse(out);
  times.push({ min: result.ms_min, median: result.ms_median });
  return result;
}

const rivals = await Promise.all([ours, ...others].map(openRival));
const oursTimes = [];
const ratios = rivals.map(() => []);
let last;
for (let round = 0; round < rounds; round++) {
  last = runOurs(oursTimes);
  for (const [i, rival] of rivals.entries()) ratios[i].push((await runRival(rival)) / last.ms_median);
}
console.log(`${os.cpus()[0].model}, ${threads} thread(s), ${rounds} rounds of ${ITERATIONS}; ${last.gmacs.toFixed(2)} GMAC; ${last.kernels}`);
const show = ms => ms.toFixed(1).padStart(8);
console.log(`${'ms min'.padStart(8)}${'median'.padStart(8)}${'ratio'.padStart(8)}`);
console.log(`${show(Math.min(...oursTimes.map(t => t.min)))}${show(median(oursTimes.map(t => t.median)))}${'1'.padStart(8)}  sth ${path.basename(ours)}`);
for (const [i, rival] of rivals.entries())
  console.log(`${show(Math.min(...rival.times))}${show(median(rival.times))}${median(ratios[i]).toFixed(2).padStart(8)}  ONNX Runtime ${ort.env.versions.node ?? ''} ${path.basename(rival.file)}`);
