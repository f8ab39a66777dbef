import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import express from 'express';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestCoordinator, type TestCoordinator } from '../testing/test-coordinator.ts';
import { type HealthCheck, healthRoutes } from './health-routes.ts';

async function askReady(checks: readonly HealthCheck[], options: { patienceMillis?: number; times?: number } = {}) {
  let nowMillis = 0;
  const { times = 1, ...patience } = options;
  const server = express()
    .use(healthRoutes({ checks, now: () => nowMillis, ...patience }))
    .listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/ready`;
  const statuses: number[] = [];
  for (let asked = 0; asked < times; asked++) {
    statuses.push((await fetch(url)).status);
    nowMillis += 400;
  }
  server.closeAllConnections();
  server.close();
  return statuses;
}

describe('healthRoutes()', () => {
  test('is ready when every check passes, and not when one fails or does not end', async () => {
    const passes = async () => 'whatever';
    expect(await askReady([passes, passes])).toEqual([200]);
    expect(await askReady([passes, () => Promise.reject(new Error('secret'))])).toEqual([503]);
    expect(await askReady([passes, () => new Promise(() => undefined)], { patienceMillis: 30 })).toEqual([503]);
    const throws = () => {
      throw new Error('at once');
    };
    expect(await askReady([throws])).toEqual([503]);
  });

  test('asks what is behind once a second, and notices when it comes back', async () => {
    let asked = 0;
    const check = async () => {
      asked += 1;
      if (asked === 1) throw new Error('away');
    };
    expect(await askReady([check], { times: 5 })).toEqual([503, 503, 503, 200, 200]);
    expect(asked).toBe(2);
  });
});

describe('a coordinator’s health', () => {
  let coordinator: TestCoordinator;
  beforeAll(async () => {
    coordinator = await startTestCoordinator();
  });
  afterAll(() => coordinator.close());
  const ask = async (address: string) => {
    const response = await fetch(coordinator.running.publicUrl + address);
    return { status: response.status, body: await response.text() };
  };

  test('says that it lives and is ready to anybody, and nothing else', async () => {
    expect(await ask('/v1/health')).toEqual({ status: 200, body: '{"state":"live"}' });
    expect(await ask('/v1/ready')).toEqual({ status: 200, body: '{"state":"ready"}' });
  });

  test('is not ready without its blobs, and lives all the same', async () => {
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await rm(path.join(coordinator.folder, 'published'), { recursive: true });
    expect(await ask('/v1/ready')).toEqual({ status: 503, body: '{"state":"not-ready"}' });
    expect((await ask('/v1/health')).status).toBe(200);
  });
});
