/** A real coordinator for benchmarks, in a process of its own; its sites are in its tables before it starts. */

import { readFileSync } from 'node:fs';
import { startCoordinator } from '@wardround/coordinator/start-coordinator.ts';
import { openDatabase } from '@wardround/coordinator/storage/open-database.ts';
import { createSiteTable } from '@wardround/coordinator/storage/site-table.ts';
import { createStateFolder, stateFolder } from '@wardround/coordinator/storage/state-folder.ts';
import { CoordinatorIdentity } from '@wardround/protocols/session/messages.ts';
import type { PublicKeys } from '@wardround/shared/crypto/identity.ts';
import { pino } from 'pino';
import { models } from '../sized-models.ts';
import { answerLines, say } from './answer-lines.ts';
import { processUsage } from './process-usage.ts';

export interface CoordinatorSettings {
  readonly stateFolder: string;
  readonly sites: readonly (PublicKeys & { readonly site: string })[];
}

const settings = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as CoordinatorSettings;
const folder = stateFolder(settings.stateFolder);
await createStateFolder(folder);
const database = await openDatabase({ kind: 'sqlite', file: folder.database });
const table = createSiteTable(database);
for (const { site, signingKey, sealingKey } of settings.sites) {
  await table.addInvitation({ secretHash: site, site, expiresAtMillis: 1, usedByKey: null });
  await table.enrol({ site, signingKey, sealingKey, status: 'admitted', enrolledAtMillis: 0 }, site);
}
await database.close();

/** What a round has come to, by its number. */
const outcomes = new Map<number, PromiseWithResolvers<string>>();
const outcomeOf = (round: number): PromiseWithResolvers<string> => {
  const outcome = outcomes.get(round) ?? Promise.withResolvers<string>();
  outcomes.set(round, outcome);
  return outcome;
};
const follow = (line: string): void => {
  const { msg, round, reason } = JSON.parse(line) as { msg: string; round?: number; reason?: string };
  const outcome = reason === undefined ? msg : `${msg} (${reason})`;
  if (/^study-(failed|aborted)/.test(msg)) for (const { resolve } of outcomes.values()) resolve(outcome);
  if (/^round-(committed|skipped|failed)/.test(msg) && round !== undefined) outcomeOf(round).resolve(outcome);
  if (/^(site-left-out|session-aborted|site-declined|an effect failed|unexpected)/.test(msg)) console.error(outcome);
};

const running = await startCoordinator({
  stateFolder: settings.stateFolder,
  host: '127.0.0.1',
  port: 0,
  publicUrl: null,
  admitInvited: true,
  tls: null,
  models,
  log: pino({ base: null }, { write: follow }),
});
const identity = CoordinatorIdentity.parse(await (await fetch(`${running.publicUrl}/v1/identity`)).json());
const { signingKey, sealingKey } = identity;
say({ url: running.publicUrl, fingerprint: running.fingerprint, signingKey, sealingKey });
answerLines(async (line) => {
  const [word, round] = line.split(' ');
  if (word === 'round') return await outcomeOf(Number(round)).promise;
  if (word === 'usage') return processUsage();
  await running.close();
  return undefined;
});
