/** A load balancer for tests: each new connection goes to one of those that listen, at random, whoever opens it. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Balancer {
  readonly port: number;
  /** Where connections go from now on; with none they are reset, as are those to others. */
  setTargets(ports: readonly number[]): void;
  close(): Promise<void>;
}

/** @param random draws from [0, 1). */
export async function startBalancer(random: () => number): Promise<Balancer> {
  let targets: readonly number[] = [];
  const sockets = new Map<Socket, number>();
  const server = createServer((near) => {
    const port = targets[Math.floor(random() * targets.length)];
    if (port === undefined) return void near.resetAndDestroy();
    const far = connect({ port, host: '127.0.0.1', noDelay: true });
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.set(socket, port);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    setTargets(ports) {
      targets = ports;
      for (const [socket, port] of sockets) if (!ports.includes(port)) socket.destroy();
    },
    async close() {
      for (const socket of sockets.keys()) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
