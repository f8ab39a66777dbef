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
});
