/** `npm run bench -- SUITE [OPTIONS]`: measures this machine. One file a suite. */
import { BenchError } from './bench-error.ts';
import { learning } from './learning/learning.ts';
import { rounds } from './rounds/rounds.ts';
import { secureAggregation } from './secure-aggregation/secure-aggregation.ts';
import type { Suite } from './suite.ts';

const suites: Readonly<Record<string, Suite>> = { learning, rounds, 'secure-aggregation': secureAggregation };

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => interrupted.abort(new Error('Interrupted.')));
}

const usage = [
  'Usage: npm run bench -- SUITE [OPTIONS]',
  ...Object.entries(suites).flatMap(([name, suite]) => ['', `${name}: ${suite.description}`, ...suite.optionLines]),
];

const [name = '', ...words] = process.argv.slice(2);
try {
  if ([name, ...words].some((word) => word === '--help' || word === '-h')) {
    for (const line of usage) console.log(line);
  } else {
    const suite = Object.hasOwn(suites, name) ? suites[name] : undefined;
    if (suite === undefined) {
      const found = name === '' ? 'nothing' : `"${name}"`;
      throw new BenchError(`Cannot measure: a suite is needed (${Object.keys(suites).join(', ')}), found ${found}.`);
    }
    await suite.run(words, { signal: interrupted.signal });
  }
} catch (error) {
  if (interrupted.signal.aborted) {
    console.error('Interrupted: all processes were stopped.');
    process.exitCode = 130;
  } else {
    // Errors that were written for people need no stack; any other should be reported with it.
    console.error(error instanceof BenchError ? `${error.message} --help says what there is.` : error);
    process.exitCode = error instanceof BenchError ? 2 : 1;
  }
}
