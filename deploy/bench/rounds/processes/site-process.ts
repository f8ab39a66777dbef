/** A real site for benchmarks, in a process of its own: only its training is made up. */
import { appendFileSync, readFileSync } from 'node:fs';
import { Writable } from 'node:stream';
import { createSiteLog } from '@wardround/client/log/site-log.ts';
import { startSite } from '@wardround/client/start-site.ts';
import { advanceModel } from '@wardround/client/training/session/advance-model.ts';
import { createStandInTrainer } from '../../../chaos/consortium/stand-in-trainer.ts';
import { models } from '../sized-models.ts';
import { makeSizedUpdate } from '../sized-update.ts';
import { answerLines } from './answer-lines.ts';
import { processUsage } from './process-usage.ts';

export interface SiteSettings {
  readonly folder: string;
  readonly logFile: string;
  /** Its place among the consortium's sites, from 0. */
  readonly position: number;
}

const { folder, logFile, position } = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as SiteSettings;
const stop = new AbortController();
const running = startSite({
  folder,
  approvalRule: 'any',
  engines: null,
  log: createSiteLog(
    new Writable({
      write(piece, _encoding, done) {
        appendFileSync(logFile, piece);
        done();
      },
    }),
  ),
  signal: stop.signal,
  openTrainer: () =>
    createStandInTrainer({
      train: (task) => makeSizedUpdate(task, position),
      advance: (task, signal) => advanceModel(task, { signal, models }),
    }),
  layoutOf: models.layout,
});
answerLines(async (line) => {
  if (line === 'usage') return processUsage();
  stop.abort();
  await running;
  return undefined;
});
running.catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
