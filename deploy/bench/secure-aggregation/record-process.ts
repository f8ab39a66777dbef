/** Plays sessions of so many sites, in a process of its own, into files; answers with how many sites each is neighbour of. */
import { writeFile } from 'node:fs/promises';
import { serialize } from 'node:v8';
import { rememberCrypto } from './remember-crypto.ts';

export interface RecordRequest {
  readonly sites: number;
  /** One session for each. */
  readonly dropouts: readonly number[];
  readonly files: readonly string[];
}

const { sites, dropouts, files } = JSON.parse(process.argv[2] ?? '') as RecordRequest;
rememberCrypto();
const { recordSessions } = await import('./recorded-session.ts');
const sessions = recordSessions(sites, { dropouts });
for (const [index, session] of sessions.entries()) await writeFile(files[index]!, serialize(session));
console.log(`@${JSON.stringify(sessions[0]!.coordinator.session!.parameters.degree)}`);
