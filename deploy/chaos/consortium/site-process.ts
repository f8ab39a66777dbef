/** A site that a test may kill: ends with the process that started it. */
import '../../demo/processes/exit-with-parent.ts';
import { runSite } from './run-site.ts';

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
await runSite(JSON.parse(process.argv[2] ?? ''), stop.signal);
process.exit();
