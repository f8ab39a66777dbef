/** A program that uses one team, stops another, and must then end by itself. The argument names the engine. */
import type { EngineKind } from '../../engine/open-engine.ts';
import { startCollectives } from './start-collectives.ts';

const engine = process.argv[2] as EngineKind;
const meet = { kind: 'meet' } as const;
const stopped = startCollectives(2, { engine });
await stopped.run([meet, meet]);
stopped.stop();
const forgotten = startCollectives(2, { engine });
await forgotten.run([meet, meet]);
process.stdout.write('met\n');
