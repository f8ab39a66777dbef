import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { startTestCoordinator } from './testing/test-coordinator.ts';

describe('startCoordinator()', () => {
  test('stops within seconds, also with a connection on which nothing was ever asked', async () => {
    const coordinator = await startTestCoordinator();
    const silent = connect(Number(new URL(coordinator.running.publicUrl).port), '127.0.0.1');
    silent.on('error', () => undefined);
    await once(silent, 'connect');
    // The server has it as well once it answers on another connection.
    await fetch(`${coordinator.running.publicUrl}/v1/identity`).then((answer) => answer.arrayBuffer());
    const before = performance.now();
    await coordinator.close();
    expect(performance.now() - before).toBeLessThan(10_000);
  });
});
