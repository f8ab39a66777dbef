import { errorCode } from '../native-library.ts';
import { type EngineKind, type EngineLoaders, openEngine } from '../open-engine.ts';
import { checkValues } from './check-values.ts';
import { type ProbeMessage, writeProbeMessage } from './probe-message.ts';
import { stepsPerSecond } from './steps-per-second.ts';

/** Tries one engine in this process, which it may bring down, and tells each result before it goes on. */
export async function runProbe(kind: EngineKind, loaders: Partial<EngineLoaders> = {}): Promise<void> {
  const tell = (message: ProbeMessage) =>
    new Promise<void>((resolve) => process.stdout.write(writeProbeMessage(message), () => resolve()));
  const opened = await openEngine({ prefer: [kind], loaders }).catch((error: Error) => error);
  if (opened instanceof Error) {
    // The reasons end the message that openEngine writes for programs.
    await tell({ phase: 'refused', reason: opened.message.replace(/^.*?: tried \w+\. /, '') });
    return;
  }
  await tell({ phase: 'opened', description: opened.description });
  try {
    await tell({ phase: 'checked', values: await checkValues(opened) });
    await tell({ phase: 'timed', stepsPerSecond: await stepsPerSecond(opened) });
  } catch (error) {
    await tell({ phase: 'failed', error: withoutPaths(error) });
  }
}

/** Messages of libraries may hold file paths; those that do are left out. */
function withoutPaths(error: unknown): string {
  const message = error instanceof Error ? error.message : '';
  return message === '' || /[/\\\n]/.test(message) ? errorCode(error) : message;
}
