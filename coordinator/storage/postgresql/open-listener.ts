/** A connection that hears PostgreSQL's notifications and holds a lock until it ends: with its process, however that ends. */
import { Client } from 'pg';
import { translateError } from './translate-error.ts';

export interface Listener {
  close(): Promise<void>;
}

/** @returns null when others hold the lock in a way that does not go with this one. */
export async function openListener(
  url: string,
  options: {
    readonly channel: string;
    readonly lock: { readonly name: string; readonly isShared: boolean };
    readonly onMessage: (text: string) => void;
    readonly onLost: () => void;
  },
): Promise<Listener | null> {
  const { channel, lock, onMessage, onLost } = options;
  const client = new Client({
    connectionString: url,
    application_name: 'wardround-coordinator',
    keepAlive: true,
    connectionTimeoutMillis: 5000,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const take = lock.isShared ? 'pg_try_advisory_lock_shared' : 'pg_try_advisory_lock';
    const { rows } = await client.query(`SELECT ${take}(hashtextextended($1, 0)) AS is_taken`, [lock.name]);
    if ((rows[0] as { readonly is_taken: boolean }).is_taken !== true) {
      await client.end();
      return null;
    }
    client.on('notification', ({ payload }) => onMessage(payload ?? ''));
    await client.query(`LISTEN ${client.escapeIdentifier(channel)}`);
  } catch (error) {
    await client.end().catch(() => undefined);
    throw translateError(error);
  }
  let isClosing = false;
  client.once('end', () => {
    if (!isClosing) onLost();
  });
  return {
    async close() {
      isClosing = true;
      await client.end().catch(() => undefined);
    },
  };
}
