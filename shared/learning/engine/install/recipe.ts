import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { npmPackages } from './npm-packages.ts';
import { tensorFlowWheels } from './tensorflow-wheels.ts';

/** Changes with whatever an installation is made of, so that one of an older version of this project is made anew. */
export function recipe(): string {
  const hash = createHash('sha256').update(JSON.stringify([tensorFlowWheels, npmPackages]));
  const operations = readdirSync(here('operations')).sort();
  for (const name of [
    'compile-binding.ts',
    'context-threads.cc',
    'copy-tensor.cc',
    'quiet-binding.cc',
    ...operations.map((file) => `operations/${file}`),
  ]) {
    hash.update(readFileSync(here(name)));
  }
  return hash.digest('hex');
}

function here(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}
