import { runEngineCli } from './run-engine-cli.ts';

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => interrupted.abort(new Error('Interrupted.')));
}
process.exitCode = await runEngineCli(process.argv.slice(2), {
  signal: interrupted.signal,
  print: (line) => console.log(line),
  tell: (line) => console.error(line),
});
