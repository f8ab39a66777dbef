import type { InstallableEngine } from '../install/installed-engine.ts';

export type EngineCommand =
  | { readonly command: 'help' }
  | { readonly command: 'inspect'; readonly json: boolean }
  | { readonly command: 'install'; readonly kind: InstallableEngine };

export const usage = `Usage: npm run engine [-- ARGUMENTS]

  npm run engine                       tries every engine: can it be used, does it compute rightly, how fast is it
  npm run engine -- --json             the same as JSON
  npm run engine -- install native     installs TensorFlow for this computer's processor (Linux x64)
  npm run engine -- install cuda       installs TensorFlow for NVIDIA graphics cards (Linux x64)
  npm run engine -- --help             shows this

WARDROUND_ENGINE=KIND lets training use that engine only. WARDROUND_WEBGPU_SOFTWARE=1 lets WebGPU use a software adapter.`;

const installable: readonly InstallableEngine[] = ['native', 'cuda'];

/** @throws {SyntaxError} for words that are no command. */
export function readArguments(words: readonly string[]): EngineCommand {
  if (words.includes('--help') || words.includes('-h')) return { command: 'help' };
  const [first, ...rest] = words;
  if (first === undefined) return { command: 'inspect', json: false };
  if (first === '--json' && rest.length === 0) return { command: 'inspect', json: true };
  if (first !== 'install') {
    throw new SyntaxError(`Cannot run: "${first === '--json' ? rest[0] : first}" is not known here.`);
  }
  const [wanted, surplus] = rest;
  if (surplus !== undefined) throw new SyntaxError(`Cannot install: one engine is needed, found also "${surplus}".`);
  const kind = installable.find((candidate) => candidate === wanted);
  if (kind === undefined) {
    const found = wanted === undefined ? 'nothing' : `"${wanted}"`;
    throw new SyntaxError(`Cannot install: ${installable.join(' or ')} is needed, found ${found}.`);
  }
  return { command: 'install', kind };
}
