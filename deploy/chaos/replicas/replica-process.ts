/** A replica that a test may kill or stop: says on its channel where it listens, ends with the process that started it. */
import '../../demo/processes/exit-with-parent.ts';
import { appendFileSync } from 'node:fs';
import { startCoordinator } from '@wardround/coordinator/start-coordinator.ts';
import { pino } from 'pino';
import { oneHotModels } from '../consortium/one-hot.ts';
import type { ReplicaSettings } from './start-replicas.ts';

const settings: ReplicaSettings = JSON.parse(process.argv[2] ?? '');
const { logFile, ...own } = settings;
const running = await startCoordinator({
  ...own,
  replica: true,
  host: '127.0.0.1',
  admitInvited: true,
  tls: null,
  models: oneHotModels,
  log: pino({ base: null }, { write: (line: string) => appendFileSync(logFile, line) }),
});
process.once('SIGTERM', () => void running.close().then(() => process.exit()));
process.send?.('listening');
