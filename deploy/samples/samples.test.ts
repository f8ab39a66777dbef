import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { POLICY_FILE, readPolicy } from '@wardround/client/policy/site-policy.ts';
import { expect, test } from 'vitest';

test('policy.json is a policy as a site reads it from its folder', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'policy-'));
  await cp(path.join(import.meta.dirname, 'policy.json'), path.join(folder, POLICY_FILE));
  expect(await readPolicy(folder)).toMatchObject({ minimumSites: 3, protectionModes: ['secure-aggregation'] });
  await rm(folder, { recursive: true });
});
