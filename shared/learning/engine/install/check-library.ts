/**
 * Opens the library in the folder that the first argument names, multiplies two matrices, and prints what it found. A
 * process of its own, because a library that does not fit this machine may end the process that loads it.
 */
import process from 'node:process';
import { loadInstalledLibrary } from '../load-installed-library.ts';
import { openNativeLibrary } from '../native-library.ts';
import { readManifest } from './installed-engine.ts';

const folder = process.argv[2]!;
const manifest = readManifest(folder);
const library = await openNativeLibrary(async (options) => loadInstalledLibrary({ ...manifest!, folder }, options), {
  threads: 2,
});
if (typeof library === 'string') throw new Error(library);
const tf = await import('@tensorflow/tfjs-core');
await tf.setBackend('tensorflow');
const [product] = await tf.matMul([[1, 2]], [[3], [4]]).data();
if (product !== 11) throw new Error(`Cannot use the library: 1 x 3 + 2 x 4 must be 11, found ${product}`);
process.stdout.write(library.usesGpu ? 'gpu' : 'cpu');
