/** Starts one of this suite's programs, with its settings in a file: those of a thousand sites are too long for its arguments. */
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type LineProcess, startLineProcess } from '../line-process.ts';
import type { CoordinatorSettings } from './processes/coordinator-process.ts';
import type { FloorSettings } from './processes/floor-process.ts';
import type { ManySitesSettings } from './processes/many-sites-process.ts';
import type { SiteSettings } from './processes/site-process.ts';

export interface ProgramSettings {
  readonly 'coordinator-process': CoordinatorSettings;
  readonly 'site-process': SiteSettings;
  readonly 'floor-process': FloorSettings;
  readonly 'many-sites-process': ManySitesSettings;
}

/** As the image and the unit of the coordinator start it. */
const COORDINATOR_ENVIRONMENT = { MALLOC_ARENA_MAX: '2', NODE_OPTIONS: '--max-semi-space-size=2' };

/** @param options `folder` for the settings; `profile`, where it leaves a profile of its main thread, null for none. */
export async function startProcess<Program extends keyof ProgramSettings>(
  program: Program,
  settings: ProgramSettings[Program],
  options: { readonly folder: string; readonly signal: AbortSignal; readonly profile?: string | null },
): Promise<LineProcess> {
  const { folder, signal, profile = null } = options;
  const file = join(folder, `${randomUUID()}.json`);
  await writeFile(file, JSON.stringify(settings), { mode: 0o600 });
  const path = fileURLToPath(new URL(`processes/${program}.ts`, import.meta.url));
  const profiling = profile === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  const environment = program === 'coordinator-process' ? COORDINATOR_ENVIRONMENT : {};
  return startLineProcess(process.execPath, [...profiling, path, file], { signal, environment });
}
