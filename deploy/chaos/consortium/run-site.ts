/** A site's program as tests run it: real, but for tiny models and one-hot training. */
import { appendFileSync } from 'node:fs';
import { Writable } from 'node:stream';
import { createSiteLog } from '@wardround/client/log/site-log.ts';
import { startSite } from '@wardround/client/start-site.ts';
import { oneHotLayout } from './one-hot.ts';
import { createOneHotTrainer, type OneHotSite } from './one-hot-trainer.ts';

export interface SiteSettings extends OneHotSite {
  readonly folder: string;
  readonly logFile: string;
}

export function runSite(settings: SiteSettings, signal: AbortSignal): Promise<void> {
  const { folder, logFile } = settings;
  const log = createSiteLog(
    new Writable({
      write(piece, _encoding, done) {
        appendFileSync(logFile, piece);
        done();
      },
    }),
  );
  return startSite({
    folder,
    approvalRule: 'any',
    engines: null,
    log,
    signal,
    openTrainer: () => createOneHotTrainer(settings),
    layoutOf: () => oneHotLayout,
  });
}
