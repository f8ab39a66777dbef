/**
 * A process of its own: prints the WebGPU adapter of this machine as one line of JSON, or null. What a graphics driver
 * prints or breaks stays in here.
 */
import { type DawnModule, requestDawnAdapter, requestDawnDevice } from './dawn-adapter.ts';

const found = await requestDawnAdapter((await import('webgpu')) as unknown as DawnModule);
// An adapter that gives no device cannot be used either.
if (found !== null) await requestDawnDevice(found);
process.stdout.write(`${JSON.stringify(found?.info ?? null)}\n`, () => process.exit());
