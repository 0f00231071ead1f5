// Times one network in `sth bench` and in its rivals, in turns, in one run: times of a shared machine only mean something as ratios.
//
//   npm install --ignore-scripts --prefix build/rivals onnxruntime-node@1.30
//   NODE_PATH=build/rivals/node_modules node tests/bench/rivals.mjs [OPTIONS] OURS.onnx [THEIRS.onnx …]
//
//   --threads N     of everyone [1]
//   --rounds N      turns of everyone [5]
//   --name TEXT     of the network, in the table [the file's name]
//   --blas          also OpenBLAS: our own engine as it runs where it has no kernels, im2col and sgemm (STH_CPU=blas), with the kernels that
//                   OpenBLAS has for AVX-512, with --cpu avx2 for AVX2
//   --onednn FILE   also oneDNN's convolutions of this 2-D network (build/tests/bench/onednn-bench)
//   --cpu LEVEL     our kernels restricted to it (avx2)
//   --header        first the head of the table
//
// THEIRS are other exports of the same network (frames as batch, say): ONNX Runtime gets all of them, and the one that it runs fastest counts.
// A turn is a warm-up and then five runs, or as many as fit into a second; `sth bench` warms up twice. Printed is a row of a Markdown table:
// milliseconds, minimum and median over all turns, and the ratio of the minima, which a busy machine disturbs least.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
import { createRequire } from 'node:module';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import path from 'node:path';

const require = createRequire(path.resolve(process.env.NODE_PATH ?? '.', 'x.js'));
const build = process.env.BUILD ?? path.join(path.dirname(fileURLToPath(import.meta.url)), '../../build');
const MOST_RUNS = 5;
const TURN_MS = 1000;

const { values: options, positionals: files } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '5' },
    name: { type: 'string' },
    blas: { type: 'boolean', default: false },
    onednn: { type: 'string', default: '' },
    cpu: { type: 'string', default: '' },
    header: { type: 'boolean', default: false },
  },
});
if (files.length === 0) {
  console.error('usage: rivals.mjs [OPTIONS] OURS.onnx [THEIRS.onnx …]; the file itself explains the options');
  process.exit(2);
}
const threads = Number(options.threads);

const median = values => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

// A rival that is a program: prints JSON with ms_min and ms_median.
function program(name, command, environment = {}) {
  const rival = { name, mins: [], medians: [] };
  let runs = 1;
  rival.turn = () => {
    const out = execFileSync(command[0], [...command.slice(1), '--json', '--threads', String(threads), '--iterations', String(runs)], {
      env: { ...process.env, ...environment },
    });
    const result = JSON.parse(out);
    runs = Math.max(1, Math.min(MOST_RUNS, Math.floor(TURN_MS / result.ms_median)));
    return { min: result.ms_min, median: result.ms_median };
  };
  return rival;
}

async function onnxRuntime(file) {
  const ort = require('onnxruntime-node');
  const session = await ort.InferenceSession.create(file, { intraOpNumThreads: threads, interOpNumThreads: 1, graphOptimizationLevel: 'all' });
  const shape = session.inputMetadata[0].shape.map(Number);
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => 2 * Math.sin(i));
  const feeds = { [session.inputNames[0]]: new ort.Tensor('float32', data, shape) };

  return {
    name: path.basename(file, '.onnx'),
    mins: [],
    medians: [],
    turn: async () => {
      const times = [];
      await session.run(feeds);
      for (let spent = 0; times.length < MOST_RUNS && spent < TURN_MS; spent += times.at(-1)) {
        const start = process.hrtime.bigint();
        await session.run(feeds);
        times.push(Number(process.hrtime.bigint() - start) / 1e6);
      }
      return { min: Math.min(...times), median: median(times) };
    },
  };
}

const bench = [path.join(build, 'src/cli/sth'), 'bench', files[0]];
const ours = program('gst-sth', bench, { STH_CPU: options.cpu });
const runtimes = await Promise.all(files.map(onnxRuntime));
const core = options.cpu === 'avx2' ? 'Haswell' : 'SkylakeX';
const blas = options.blas ? program('OpenBLAS', bench, { STH_CPU: 'blas', OPENBLAS_CORETYPE: core }) : null;
const onednn = options.onednn ? program('oneDNN', [path.join(build, 'tests/bench/onednn-bench'), options.onednn]) : null;
const everyone = [ours, ...runtimes, blas, onednn].filter(Boolean);

for (const rival of everyone) await rival.turn();
for (let round = 0; round < Number(options.rounds); round++)
  for (const rival of everyone) {
    const turn = await rival.turn();
    rival.mins.push(turn.min);
    rival.medians.push(turn.median);
  }

const ratio = rival => Math.min(...rival.mins) / Math.min(...ours.mins);
const show = ms => ms.toFixed(ms < 100 ? 1 : 0);
const times = rival => `${show(Math.min(...rival.mins))} / ${show(median(rival.medians))}`;
const cell = rival => (rival ? `${times(rival)} (${ratio(rival).toFixed(2)})` : '–');
const best = runtimes.reduce((a, b) => (ratio(a) <= ratio(b) ? a : b));
const same = runtimes[0] === best ? 'the same' : cell(runtimes[0]);

if (options.header) {
  console.log('| network | threads | gst-sth | ONNX Runtime, its best export | ratio | the file that we run | OpenBLAS | oneDNN |');
  console.log('|---|---|---|---|---|---|---|---|');
}
console.log(
  `| ${options.name ?? path.basename(files[0], '.onnx')} | ${threads} | ${times(ours)} | ${times(best)} | **${ratio(best).toFixed(2)}** | ${same} | ${cell(blas)} | ${cell(onednn)} |`,
);
for (const rival of runtimes) console.error(`${rival.name}: ONNX Runtime ${times(rival)}, ${ratio(rival).toFixed(2)}`);
