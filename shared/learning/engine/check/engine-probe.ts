/** A process of its own: tries the engine that its argument names and prints what it found. */
import type { EngineKind } from '../open-engine.ts';
import { runProbe } from './run-probe.ts';

await runProbe(process.argv[2] as EngineKind);
process.exit();
