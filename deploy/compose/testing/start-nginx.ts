/** The compose file's own nginx.conf under a real nginx, with the addresses and files of this machine in it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface RunningNginx {
  readonly url: string;
  /** What it says is its certificate: to be trusted by whoever connects. */
  readonly certificate: string;
  close(): Promise<void>;
}

const program = ['nginx', '/usr/sbin/nginx'].find((name) => spawnSync(name, ['-v']).status === 0);
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

/** Why nginx cannot be started here; null when it can. */
export const missingForNginx =
  program === undefined
    ? 'nginx is not installed (Debian: apt-get install nginx-light)'
    : hasOpenssl
      ? null
      : 'the openssl command is not here to make a certificate';

export async function startNginx(replicaPorts: readonly [number, number]): Promise<RunningNginx> {
  const folder = await mkdtemp(path.join(tmpdir(), 'nginx-'));
  const [key, certificate] = [path.join(folder, 'key.pem'), path.join(folder, 'certificate.pem')];
  makeCertificate({ key, certificate });
  await mkdir(path.join(folder, 'temporary'));
  const port = await freePort();
  const [a, b] = replicaPorts;
  let text = await readFile(path.join(import.meta.dirname, '../nginx.conf'), 'utf8');
  const here: readonly (readonly [string, string])[] = [
    [' /tmp/', ` ${folder}/temporary/`],
    ['server coordinator-a:8470', `server 127.0.0.1:${a}`],
    ['server coordinator-b:8470', `server 127.0.0.1:${b}`],
    ['listen 8443 ssl', `listen 127.0.0.1:${port} ssl`],
    ['/run/secrets/tls-certificate', certificate],
    ['/run/secrets/tls-key', key],
    ['/dev/stdout', path.join(folder, 'access.log')],
    ['worker_processes auto', 'worker_processes 2'],
  ];
  for (const [there, ours] of here) {
    if (!text.includes(there)) throw new Error(`nginx.conf has no "${there}" any more: its test has to follow`);
    text = text.replaceAll(there, ours);
  }
  const file = path.join(folder, 'nginx.conf');
  await writeFile(file, text);
  const process = spawn(program!, ['-c', file, '-p', folder, '-e', 'stderr', '-g', 'daemon off;']);
  let said = '';
  process.stderr.on('data', (bytes) => {
    said += bytes;
  });
  await listening(port, process).catch(() => {
    throw new Error(`nginx does not start: ${said}`);
  });
  return {
    url: `https://127.0.0.1:${port}`,
    certificate: await readFile(certificate, 'utf8'),
    async close() {
      const ended = once(process, 'exit');
      process.kill('SIGQUIT');
      const slow = setTimeout(() => process.kill('SIGTERM'), 2000);
      await ended;
      clearTimeout(slow);
      await rm(folder, { recursive: true });
    },
  };
}

function makeCertificate({ key, certificate }: { readonly key: string; readonly certificate: string }): void {
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const subject = ['-subj', '/CN=coordinator.example', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const { status } = spawnSync('openssl', ['req', ...kind, ...subject, '-keyout', key, '-out', certificate]);
  if (status !== 0) throw new Error('no certificate could be made');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function listening(port: number, process: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (process.exitCode !== null) throw new Error('ended');
    const socket = connect(port, '127.0.0.1');
    const isOpen = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (isOpen) return;
    await delay(50);
  }
  throw new Error('late');
}
