import type { SignedStatement } from '@wardround/protocols/audit/verify-evidence.ts';
import { expect, test } from 'vitest';
import { describeOnEachDatabase } from '../testing/describe-on-each-database.ts';
import { createStatementTable } from './statement-table.ts';

const statement = (path: string, nonce: string): SignedStatement => ({
  signingKey: 'k'.repeat(43),
  method: 'POST',
  path,
  headers: {
    'wardround-site': 'basel',
    'wardround-time': '1',
    'wardround-nonce': nonce.repeat(43),
    'wardround-sequence': '2',
    'wardround-content-sha256': 'a'.repeat(64),
    'wardround-signature': 's'.repeat(86),
  },
});

describeOnEachDatabase('createStatementTable()', (place) => {
  test('keeps what a site said first at each address', async () => {
    const table = createStatementTable(await place.open());
    await table.keep('basel', statement('/a', 'n'));
    await table.keep('basel', statement('/a', 'm'));
    await table.keep('geneva', statement('/a', 'o'));
    const again = createStatementTable(await place.open());
    expect(await again.find('basel', '/a')).toEqual(statement('/a', 'n'));
    expect(await again.find('geneva', '/a')).toEqual(statement('/a', 'o'));
    expect(await again.find('basel', '/b')).toBeNull();
  });

  test('forgets what was said in one study', async () => {
    const table = createStatementTable(await place.open());
    const [ended, running] = ['a', 'b'].map((letter) => letter.repeat(64)) as [string, string];
    const paths = [ended, running].map((study) => `/v1/studies/${study}/stages/s/rounds/1/update`) as [string, string];
    for (const path of paths) for (const site of ['basel', 'geneva']) await table.keep(site, statement(path, 'n'));
    await table.forget(ended);
    for (const site of ['basel', 'geneva']) {
      expect(await table.find(site, paths[0])).toBeNull();
      expect(await table.find(site, paths[1])).not.toBeNull();
    }
  });
});
