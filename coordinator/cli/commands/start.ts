import { existsSync } from 'node:fs';
import { defineCommand } from 'citty';
import { pino } from 'pino';
import { KEEP_ENDED_TRANSCRIPTS_DAYS, KEEP_TRANSCRIPT_EVERY } from '../../rounds/kept-transcripts.ts';
import { startCoordinator } from '../../start-coordinator.ts';
import { stateArgument } from '../arguments.ts';
import { databaseUrl } from '../database-url.ts';
import { UnreachableError, UsageError } from '../exit-codes.ts';
import { print } from '../print.ts';

const defaultPort = 8470;

export const start = defineCommand({
  meta: { name: 'start', description: 'Run the coordinator until it is stopped (Ctrl-C)' },
  args: {
    ...stateArgument,
    host: { type: 'string', description: 'Address to listen on', valueHint: 'ADDRESS', default: '127.0.0.1' },
    port: { type: 'string', description: 'Port to listen on; 0 takes a free one', default: String(defaultPort) },
    url: { type: 'string', description: 'Where sites reach the coordinator; stands in invitations', valueHint: 'URL' },
    'admit-invited': {
      type: 'boolean',
      description: 'Admit sites as soon as they join with their invitation, without "admit"',
      default: false,
    },
    'keep-transcript-every': {
      type: 'string',
      description: 'Of one round in so many members can replay the sum; 0 for the newest alone',
      valueHint: 'ROUNDS',
      default: String(KEEP_TRANSCRIPT_EVERY),
    },
    'keep-ended-transcripts-days': {
      type: 'string',
      description:
        'Members can replay the sums of a study for so long after its end; then what they were made of is removed',
      valueHint: 'DAYS',
      default: String(KEEP_ENDED_TRANSCRIPTS_DAYS),
    },
    'site-bandwidth': {
      type: 'string',
      description: 'What each site may send and fetch in a second; without it as much as the line carries',
      valueHint: 'BYTES',
    },
    replica: {
      type: 'boolean',
      description: 'Be one of several on the database in DATABASE_URL and one --blob-store, behind one --url',
      default: false,
    },
    'blob-store': {
      type: 'string',
      description: 'Where weights and updates are; without it the state folder',
      valueHint: 'FOLDER|s3://BUCKET/PREFIX',
    },
    identity: {
      type: 'string',
      description: 'The coordinator’s keys, the same for all replicas; without it those of the state folder',
      valueHint: 'FILE',
    },
    'tls-key': { type: 'string', description: 'Private key (PEM) to serve HTTPS', valueHint: 'FILE' },
    'tls-cert': { type: 'string', description: 'Certificate chain (PEM) to serve HTTPS', valueHint: 'FILE' },
  },
  async run({ args }) {
    const coordinator = await startCoordinator({
      stateFolder: args.state,
      databaseUrl: databaseUrl(),
      replica: args.replica,
      blobStore: args['blob-store'] ?? null,
      identityFile: args.identity ?? null,
      host: args.host,
      port: portOf(args.port),
      publicUrl: publicUrlOf(args.url, args.host),
      admitInvited: args['admit-invited'],
      keepTranscriptEvery: roundsOf(args['keep-transcript-every']),
      keepEndedTranscriptsDays: daysOf(args['keep-ended-transcripts-days']),
      siteBytesPerSecond: bandwidthOf(args['site-bandwidth']),
      tls: tlsOf(args['tls-key'], args['tls-cert']),
      log: pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ fd: 2, sync: true })),
    }).catch(explainListening);
    print(`Listening on ${coordinator.publicUrl}`);
    print(`Fingerprint ${coordinator.fingerprint}`);
    await new Promise<void>((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
    });
    await coordinator.close();
  },
});

function portOf(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new UsageError('Cannot listen: --port must be a number from 0 to 65535.');
}

function roundsOf(text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw new UsageError('Cannot keep transcripts: --keep-transcript-every must be a number of rounds from 0 to 99999.');
}

function daysOf(text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw new UsageError(
    'Cannot keep transcripts: --keep-ended-transcripts-days must be a number of days from 0 to 99999.',
  );
}

function bandwidthOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (/^[1-9]\d{3,11}$/.test(text)) return Number(text);
  throw new UsageError('Cannot limit sites: --site-bandwidth must be a number of bytes from 1000.');
}

function publicUrlOf(url: string | undefined, host: string): string | null {
  if (url === undefined) {
    if (host !== '0.0.0.0' && host !== '::') return null;
    throw new UsageError('Say with --url where sites reach the coordinator when it listens on all addresses.');
  }
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed !== null && /^https?:$/.test(parsed.protocol) && url.replace(/\/$/, '') === parsed.origin)
    return parsed.origin;
  throw new UsageError('Cannot invite with this --url: needed http:// or https:// with a host and no path.');
}

function tlsOf(keyFile: string | undefined, certificateFile: string | undefined) {
  if (keyFile === undefined && certificateFile === undefined) return null;
  if (keyFile === undefined || certificateFile === undefined || !existsSync(keyFile) || !existsSync(certificateFile)) {
    throw new UsageError('Cannot serve HTTPS: --tls-key and --tls-cert must both name a PEM file that exists.');
  }
  return { keyFile, certificateFile };
}

function explainListening(error: unknown): never {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') {
    throw new UnreachableError('Cannot listen: the port is in use. Choose another with --port, or stop who has it.');
  }
  if (code === 'EACCES' || code === 'EADDRNOTAVAIL') {
    throw new UnreachableError(
      'Cannot listen: this address or port is not allowed here. Choose others with --host and --port.',
    );
  }
  throw error;
}
