/** A site process for a test that kills it: takes the last step of a session and is killed where its message would leave. */
import { readFileSync } from 'node:fs';
import { createSiteLog } from '@wardround/client/log/site-log.ts';
import { performSessionStep } from '@wardround/client/training/session/perform-session-step.ts';

const { folder, site, signingSeed, work, plan, document, place } = JSON.parse(readFileSync(process.argv[2]!, 'utf8'));

const die = (): never => {
  process.kill(process.pid, 'SIGKILL');
  for (;;);
};
await performSessionStep(
  { work, plan, signal: new AbortController().signal },
  {
    folder,
    site,
    sealingKey: 'A'.repeat(43),
    signingSeed: Buffer.from(signingSeed, 'base64'),
    link: {
      coordinatorMillis: Date.now,
      async sessionDocument() {
        if (place === 'before-it-is-durable') die();
        return document;
      },
      sendSessionMessage: async () => die(),
      upload: async () => undefined,
    },
    trainer: { run: async () => Promise.reject(new Error('nothing to compute')) },
    log: createSiteLog(),
  },
);
