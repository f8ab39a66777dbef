/** `npm run demo`: the whole job on one machine, with one command. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { defineCommand, runMain } from 'citty';
import { DemoError } from './demo-error.ts';
import { createDisplay } from './display.ts';
import { ChildFailedError } from './processes/children.ts';
import { runDemo } from './run-demo.ts';

const options = {
  data: {
    type: 'string',
    description:
      'A folder with one subfolder per hospital (ct/**, clinical.csv, expression.tsv); without it synthetic hospitals are made',
    valueHint: 'DIR',
  },
  out: {
    type: 'string',
    description: 'Where the report and the encoders go',
    valueHint: 'DIR',
    default: 'demo-results',
  },
  quick: { type: 'boolean', description: 'A shorter run, under two minutes on four cores', default: false },
  private: {
    type: 'boolean',
    description:
      'Train under patient-level differential privacy: shows what is charged and spent; so few patients learn nothing',
    default: false,
  },
  keep: {
    type: 'boolean',
    description: 'Keep the synthetic hospitals and the state of all processes',
    default: false,
  },
} as const;

const demo = defineCommand({
  meta: {
    name: 'demo',
    description: 'Three hospitals pretrain together, each as a process of its own on this machine',
  },
  args: options,
  async run({ args, rawArgs }) {
    const interrupted = new AbortController();
    let askedMillis = Number.POSITIVE_INFINITY;
    const stop = () => {
      // Asked again: leave at once; the children are killed on the way out. npm passes on a Ctrl-C that the terminal has sent
      // to us as well, and that is not asking again.
      if (performance.now() - askedMillis > 1000) process.exit(130);
      askedMillis = Math.min(askedMillis, performance.now());
      interrupted.abort(new Error('Interrupted.'));
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
    try {
      requireKnownOptions(rawArgs);
      await runDemo({
        dataDirectory: args.data === undefined ? null : await requireFolder(args.data),
        outDirectory: path.resolve(args.out),
        quick: args.quick,
        private: args.private,
        keep: args.keep,
        display: createDisplay(process.stdout),
        signal: interrupted.signal,
      });
    } catch (error) {
      if (interrupted.signal.aborted) {
        console.error('Interrupted: all processes were stopped.');
        process.exitCode = 130;
        return;
      }
      // Errors that were written for people need no stack; any other should be reported with it.
      const forPeople = error instanceof DemoError || error instanceof ChildFailedError;
      console.error(forPeople ? error.message : error);
      process.exitCode = 1;
    } finally {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, stop);
    }
  },
});

/** citty takes a misspelt option for none at all, and the demo would run on other data than was meant. */
function requireKnownOptions(words: readonly string[]): void {
  const known = Object.keys(options).map((name) => `--${name}`);
  const unknown = words.find(
    (word, index) =>
      !known.includes(word.replace(/=.*$/s, '')) && !['--data', '--out'].includes(words[index - 1] ?? ''),
  );
  if (unknown === undefined) return;
  const shown = unknown.startsWith('-') ? `the option ${unknown.replace(/=.*$/s, '')}` : `the word "${unknown}"`;
  throw new DemoError(
    `Cannot start: ${shown} is not known here. There are ${known.join(', ')}; --help says what they do.`,
  );
}

async function requireFolder(directory: string): Promise<string> {
  const found = await stat(directory).catch(() => null);
  if (found?.isDirectory()) return path.resolve(directory);
  throw new DemoError(
    `Cannot use --data: a folder is needed, found ${found === null ? 'nothing there' : 'a file'}. Check the path.`,
  );
}

await runMain(demo);
