/** A line that breaks: each connection ends after so many bytes in one direction, whatever is in them. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Cut {
  readonly direction: 'to-coordinator' | 'to-site';
  /** So many bytes pass in that direction; with 0 to the site its request is handled and the answer lost. */
  readonly afterBytes: number;
}

export interface CuttingProxy {
  readonly url: string;
  /** How many connections were cut. */
  readonly cuts: () => number;
  /** Bytes that came from the coordinator. */
  readonly bytesToSite: () => number;
  connectTo(port: number): void;
  close(): Promise<void>;
}

/** @param nextCut asked for every new connection; null lets it live. */
export async function startCuttingProxy(port: number, nextCut: () => Cut | null): Promise<CuttingProxy> {
  let target = port;
  let cuts = 0;
  let bytesToSite = 0;
  const open = new Set<Socket>();
  const server = createServer((site) => {
    const coordinator = connect(target, '127.0.0.1');
    const cut = nextCut();
    const end = (): void => {
      site.destroy();
      coordinator.destroy();
    };
    for (const socket of [site, coordinator]) {
      open.add(socket);
      socket.on('error', end);
      socket.on('close', () => {
        open.delete(socket);
        end();
      });
    }
    const pass = (from: Socket, to: Socket, direction: Cut['direction']): void => {
      let left = cut?.direction === direction ? cut.afterBytes : Number.POSITIVE_INFINITY;
      from.on('data', (bytes: Buffer) => {
        if (direction === 'to-site') bytesToSite += Math.min(left, bytes.length);
        if (bytes.length >= left) {
          cuts += 1;
          to.write(bytes.subarray(0, left), end);
          left = Number.POSITIVE_INFINITY;
          from.removeAllListeners('data');
          return;
        }
        left -= bytes.length;
        if (!to.write(bytes)) {
          from.pause();
          to.once('drain', () => from.resume());
        }
      });
      from.on('end', () => to.end());
    };
    pass(site, coordinator, 'to-coordinator');
    pass(coordinator, site, 'to-site');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cuts: () => cuts,
    bytesToSite: () => bytesToSite,
    connectTo(next) {
      target = next;
    },
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
