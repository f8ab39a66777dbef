/** A site's program as tests run it: real, but for tiny models and one-hot training. */
import { appendFileSync } from 'node:fs';
import { Writable } from 'node:stream';
import { openSiteLink, type SiteLink } from '@wardround/client/link/site-link.ts';
import { createSiteLog } from '@wardround/client/log/site-log.ts';
import { startSite } from '@wardround/client/start-site.ts';
import type { Trainer } from '@wardround/client/training/trainer.ts';
import { oneHotLayout } from './one-hot.ts';
import { createOneHotTrainer, type OneHotSite } from './one-hot-trainer.ts';

export interface SiteSettings extends OneHotSite {
  readonly folder: string;
  readonly logFile: string;
  /** Gives up on a request when no byte has moved for this long; as long as in service unless given. */
  readonly idleTimeoutMillis?: number | undefined;
}

/** What a site of a test does otherwise than the program: it stands between the program and its line, or its training. */
export interface Tampering {
  readonly link?: (link: SiteLink) => SiteLink;
  readonly trainer?: (trainer: Trainer) => Trainer;
}

export function runSite(settings: SiteSettings, signal: AbortSignal, tampering: Tampering = {}): Promise<void> {
  const { folder, logFile, idleTimeoutMillis } = settings;
  const { link = (own) => own, trainer = (own) => own } = tampering;
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
    openTrainer: () => trainer(createOneHotTrainer(settings)),
    openLink: (options) =>
      link(openSiteLink({ ...options, ...(idleTimeoutMillis !== undefined && { idleTimeoutMillis }) })),
    layoutOf: () => oneHotLayout,
  });
}
