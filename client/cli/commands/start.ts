import { type EngineKind, engineKinds } from '@wardround/shared/learning/engine/open-engine.ts';
import { defineCommand } from 'citty';
import { createSiteLog } from '../../log/site-log.ts';
import { startSite } from '../../start-site.ts';
import { openSiteFolder } from '../../state/site-folder.ts';
import { EXIT, UsageError } from '../exit-codes.ts';
import { requireCount, requireFolder, stateOption } from '../options.ts';

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export const start = defineCommand({
  meta: { name: 'start', description: 'Works for the coordinator until stopped; logs JSON lines to standard error' },
  args: {
    state: stateOption,
    approve: {
      type: 'enum',
      options: ['any'],
      description: 'any: take part in every study of this coordinator. Without it each study waits for "study approve"',
    },
    engine: {
      type: 'enum',
      options: [...engineKinds],
      description: 'Use this engine only. Without it the fastest that works',
    },
    threads: {
      type: 'string',
      description: 'Threads that may train at once without a GPU. One for each core unless given',
      valueHint: 'N',
    },
    'keep-place-minutes': {
      type: 'string',
      description: 'How often a long training keeps its place on the disk: what an interruption costs. 5 unless given',
      valueHint: 'N',
    },
    data: { type: 'string', description: 'Another data folder than the one given to join', valueHint: 'DIR' },
  },
  async run({ args }) {
    const dataDirectory = args.data === undefined ? undefined : await requireFolder(args.data, '--data');
    const threads = args.threads === undefined ? undefined : requireCount(args.threads, '--threads');
    const minutes = args['keep-place-minutes'];
    const placeMinutes = minutes === undefined ? undefined : requireCount(minutes, '--keep-place-minutes');
    const engine = args.engine as EngineKind | undefined;
    if (args.approve !== undefined && args.approve !== 'any')
      throw new UsageError('Cannot start: --approve takes only "any".');
    const folder = await openSiteFolder(args.state);
    const log = createSiteLog();
    const stop = new AbortController();
    const onSignal = (signal: NodeJS.Signals) => {
      if (!stop.signal.aborted) log.info({ signal }, 'Stopping');
      stop.abort();
    };
    // What nobody caught may carry paths or data in its message: only its kind and place are told.
    const onUncaught = (error: Error) => {
      log.fatal({ error }, 'The site client ends: an error that nothing foresaw');
      process.exit(EXIT.failed);
    };
    process.on('uncaughtException', onUncaught);
    for (const signal of STOP_SIGNALS) process.on(signal, onSignal);
    try {
      await startSite({
        folder,
        approvalRule: args.approve === 'any' ? 'any' : 'listed',
        engines: engine === undefined ? null : [engine],
        threads,
        placeMinutes,
        dataDirectory,
        log,
        signal: stop.signal,
      });
    } finally {
      process.off('uncaughtException', onUncaught);
      for (const signal of STOP_SIGNALS) process.off(signal, onSignal);
    }
  },
});
