/** The coordinator's program as tests run it: real, but for tiny models. */
import { appendFileSync } from 'node:fs';
import type { Clock } from '@wardround/coordinator/rounds/clock.ts';
import { type RunningCoordinator, startCoordinator } from '@wardround/coordinator/start-coordinator.ts';
import { pino } from 'pino';
import { oneHotModels } from './one-hot.ts';

export interface CoordinatorSettings {
  readonly stateFolder: string;
  readonly publicUrl: string;
  readonly logFile: string;
}

export function runCoordinator(
  { stateFolder, publicUrl, logFile }: CoordinatorSettings,
  options: { readonly clock?: Clock | undefined } = {},
): Promise<RunningCoordinator> {
  return startCoordinator({
    stateFolder,
    host: '127.0.0.1',
    port: 0,
    publicUrl,
    admitInvited: true,
    tls: null,
    models: oneHotModels,
    ...(options.clock !== undefined && { clock: options.clock }),
    log: pino({ base: null }, { write: (line: string) => appendFileSync(logFile, line) }),
  });
}
