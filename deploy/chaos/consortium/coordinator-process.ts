/** A coordinator that a test may kill: says on its channel when it listens, ends with the process that started it. */
import '../../demo/processes/exit-with-parent.ts';
import { runCoordinator } from './run-coordinator.ts';

const running = await runCoordinator(JSON.parse(process.argv[2] ?? ''));
process.once('SIGTERM', () => void running.close().then(() => process.exit()));
process.send?.('listening');
