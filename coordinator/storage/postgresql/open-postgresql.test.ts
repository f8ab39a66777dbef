import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';
import { StudyEvent } from '@wardround/protocols/round/events.ts';
import vector from '@wardround/protocols/round/test-vectors/journal.json' with { type: 'json' };
import { sql } from 'kysely';
import { Client } from 'pg';
import { afterEach, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { describeOnPostgresql } from '../../testing/describe-on-each-database.ts';
import type { Database } from '../database.ts';
import { DatabaseSettingsError, DatabaseUnavailableError } from '../database-errors.ts';
import { databasePlace, type PostgresqlPlace } from '../database-place.ts';
import { createJournal } from '../journal.ts';
import { openDatabase } from '../open-database.ts';

const events = z.array(StudyEvent).parse(vector.events);
const study = 'a'.repeat(64);
const row = (nonce: string) => ({ signer: 'basel', nonce, expires_at_millis: 1 });
const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

describeOnPostgresql('openPostgresql()', (database) => {
  const address = (): URL => new URL(database.url()!);
  const openAt = (url: URL): Promise<Database> => openDatabase(databasePlace('', url.href));

  /** Ends connections as a PostgreSQL that is stopped does. */
  async function terminate(process: number): Promise<void> {
    const client = new Client({ connectionString: (database.place() as PostgresqlPlace).url });
    await client.connect();
    await client.query('SELECT pg_terminate_backend($1, 5000)', [process]);
    await client.end();
  }

  async function processOf(tables: Database['tables']): Promise<number> {
    const { rows } = await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(tables);
    return rows[0]!.pid;
  }

  test.each(['off', 'local', 'remote_write'])('refuses synchronous_commit=%s', async (value) => {
    const url = address();
    url.searchParams.set('options', `-c synchronous_commit=${value}`);
    await expect(openAt(url)).rejects.toThrow(DatabaseSettingsError);
    await expect(openAt(url)).rejects.toThrow(new RegExp(`found synchronous_commit=${value} and fsync=on`));
  });

  test('keeps namespaces apart', async () => {
    const { tables } = await database.open();
    await tables.insertInto('nonces').values(row('n1')).execute();
    const url = address();
    const other = `${url.searchParams.get('schema')}_2`;
    url.searchParams.set('schema', other);
    await using second = await openAt(url);
    expect(await second.tables.selectFrom('nonces').selectAll().execute()).toEqual([]);
    await sql`DROP SCHEMA ${sql.id(other)} CASCADE`.execute(tables);
  });

  test('never shows the password', async () => {
    const wrong = (change: (url: URL) => void): string => {
      const url = address();
      url.password = 'open-sesame';
      change(url);
      return url.href;
    };
    const cases: [string, unknown][] = [
      [wrong(() => undefined), DatabaseSettingsError],
      [wrong((url) => Object.assign(url, { port: '1' })), DatabaseUnavailableError],
      [wrong((url) => Object.assign(url, { host: 'nowhere.invalid' })), DatabaseUnavailableError],
      [wrong((url) => url.searchParams.set('sslrootcert', '/nowhere/root.crt')), SyntaxError],
      ['postgresql://user:open-sesame@host:port/db', SyntaxError],
    ];
    for (const [url, kind] of cases) {
      const error: unknown = await Promise.resolve()
        .then(() => openDatabase(databasePlace('', url)))
        .catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(kind);
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('open-sesame');
    }
  });

  test('says so when the connection is lost in a transaction, keeps nothing of it and goes on', async () => {
    const { tables, transaction } = await database.open();
    const lost = transaction(async (written) => {
      await written.insertInto('nonces').values(row('n1')).execute();
      await terminate(await processOf(written));
      // The loss is noticed while nothing is asked.
      await delay(100);
      await written.insertInto('nonces').values(row('n2')).execute();
    });
    await expect(lost).rejects.toThrow(DatabaseUnavailableError);
    await transaction(async (written) => void (await written.insertInto('nonces').values(row('n3')).execute()));
    expect(await tables.selectFrom('nonces').selectAll().execute()).toEqual([row('n3')]);
  });

  test('outlives the loss of a connection that nobody uses', async () => {
    const { tables } = await database.open();
    await terminate(await processOf(tables));
    await vi.waitFor(async () => expect(await tables.selectFrom('nonces').selectAll().execute()).toEqual([]));
  });

  test('is not sure of a commit whose answer is lost; the same append again is taken once', async () => {
    const line = await openLine(address());
    cleanUps.push(line.close);
    const url = address();
    url.host = `127.0.0.1:${line.port}`;
    const far = await openAt(url);
    cleanUps.push(far.close);
    const journal = createJournal(far);
    await journal.append(study, events.slice(0, 2), { position: 0 });
    line.loseAnswerTo('commit');
    const append = () => journal.append(study, events.slice(2, 4), { position: 2 });
    await expect(append()).rejects.toThrow(DatabaseUnavailableError);
    expect(await createJournal(await database.open()).read(study)).toHaveLength(4);
    await append();
    line.loseQuestion('insert');
    const next = () => journal.append(study, events.slice(4, 5), { position: 4 });
    await expect(next()).rejects.toThrow(DatabaseUnavailableError);
    await next();
    expect(await journal.read(study)).toEqual(events.slice(0, 5));
  });
});

/** A way to the server that can be cut at a word that goes over it. */
async function openLine(server: URL) {
  let lost: { readonly word: string; readonly isAnswer: boolean } | null = null;
  const sockets = new Set<Socket>();
  const listener = createServer((near) => {
    const far = connect({ host: server.hostname, port: Number(server.port) });
    let isDeaf = false;
    const cut = (): void => {
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', cut).on('close', cut);
    }
    near.on('data', (bytes) => {
      if (lost !== null && bytes.includes(lost.word)) {
        const { isAnswer } = lost;
        lost = null;
        if (!isAnswer) return cut();
        isDeaf = true;
      }
      far.write(bytes);
    });
    far.on('data', (bytes) => (isDeaf ? cut() : near.write(bytes)));
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    port: (listener.address() as AddressInfo).port,
    loseAnswerTo(word: string) {
      lost = { word, isAnswer: true };
    },
    loseQuestion(word: string) {
      lost = { word, isAnswer: false };
    },
    close() {
      for (const socket of sockets) socket.destroy();
      listener.close();
    },
  };
}
