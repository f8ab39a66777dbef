/**
 * Loaded before a child's own program (`node --import`): the child ends when the process that started it is gone, however it
 * went. The channel between the two breaks even when the parent is killed with SIGKILL and can stop nobody itself.
 */
import { isMainThread } from 'node:worker_threads';

if (isMainThread && process.channel !== undefined && process.channel !== null) {
  process.once('disconnect', () => process.exit(1));
  // Listening must not keep a child alive that has nothing more to do.
  process.channel.unref();
}
