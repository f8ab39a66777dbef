/** A program that uses one team, stops another, and must then end by itself. */
import { startCollectives } from './start-collectives.ts';

const meet = { kind: 'meet' } as const;
const stopped = startCollectives(2);
await stopped.run([meet, meet]);
stopped.stop();
const forgotten = startCollectives(2);
await forgotten.run([meet, meet]);
process.stdout.write('met\n');
