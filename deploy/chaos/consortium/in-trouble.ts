/**
 * Preloaded into a coordinator's process: as soon as a file beside its folder says so, its event loop stands still for a while,
 * or it asks for memory until there is none.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';

const STALL_MILLIS = 4000;
const { stateFolder } = JSON.parse(process.argv[2] ?? '{}') as { readonly stateFolder?: string };
const file = `${stateFolder}.trouble`;

const look = (): void => {
  if (!existsSync(file)) return;
  const kind = readFileSync(file, 'utf8');
  rmSync(file);
  if (kind === 'stall') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STALL_MILLIS);
  const held: unknown[] = [];
  while (kind === 'memory') held.push(Array.from({ length: 10_000 }, (_, index) => ({ index })));
};
setInterval(look, 20).unref();
