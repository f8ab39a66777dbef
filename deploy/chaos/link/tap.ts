/** What a hospital's proxy that opens TLS sees: every byte, in both directions, and it can change none without being noticed. */
import { once } from 'node:events';
import { type AddressInfo, createServer, connect as openSocket, type Socket } from 'node:net';

export interface Tap {
  readonly port: number;
  /** What sites have sent, connection by connection. */
  sent(): Buffer;
  close(): Promise<void>;
}

/** Stands before the port. */
export async function openTap(port: number): Promise<Tap> {
  const connections: Buffer[][] = [];
  const sockets = new Set<Socket>();
  const server = createServer((site) => {
    const coordinator = openSocket({ port, host: '127.0.0.1', noDelay: true });
    const heard: Buffer[] = [];
    connections.push(heard);
    site.on('data', (bytes) => heard.push(bytes));
    for (const [from, to] of [
      [site, coordinator],
      [coordinator, site],
    ] as const) {
      sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => sockets.delete(from));
      from.pipe(to);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    sent: () => Buffer.concat(connections.flat()),
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
