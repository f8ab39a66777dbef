/** `docker compose config` is not at hand where tests run: what compose files name is held against what there is. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { limits } from '@wardround/coordinator/edge/limits.ts';
import { blobPlace } from '@wardround/coordinator/storage/blob-place.ts';
import { databasePlace } from '@wardround/coordinator/storage/database-place.ts';
import { decodeIdentity } from '@wardround/shared/crypto/identity.ts';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { notUnderstood, readsVariable } from '../docker/testing/program-commands.ts';

const here = import.meta.dirname;

interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly secrets?: readonly string[];
  readonly volumes?: readonly string[];
  readonly networks?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: object;
  readonly restart?: string;
  readonly read_only?: boolean;
  readonly ports?: readonly string[];
  readonly mem_limit?: string;
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes?: object;
  readonly networks?: object;
  readonly secrets?: Readonly<Record<string, { readonly file: string }>>;
}

async function read(name: string): Promise<Compose> {
  return parse(await readFile(path.join(here, name), 'utf8'), { merge: true }) as Compose;
}
const coordinators = await read('coordinators.yaml');
const site = await read('site.yaml');
const files = [
  ['coordinators.yaml', coordinators],
  ['site.yaml', site],
] as const;

describe.each(files)('%s', (_name, { services, ...top }) => {
  const each = Object.entries(services);

  test('pins every image, ours at the version of the project', async () => {
    const { version } = JSON.parse(await readFile(path.join(here, '../../package.json'), 'utf8')) as {
      version: string;
    };
    for (const [name, { image = '' }] of each) expect([name, image]).toEqual([name, expect.stringMatching(/:\d+\.\d/)]);
    for (const { image, build } of Object.values(services)) {
      if (build === undefined) continue;
      expect(image).toMatch(new RegExp(`^wardround-(coordinator|site):${version.replaceAll('.', '\\.')}$`));
      await stat(path.join(here, build.context, build.dockerfile));
    }
  });

  test('names only volumes, networks, secrets and services that it has', async () => {
    for (const [, service] of each) {
      for (const volume of service.volumes ?? []) {
        const [source = ''] = volume.split(/:(?=\/)/);
        if (source.startsWith('./')) await stat(path.join(here, source));
        else if (!source.startsWith('${')) expect(Object.keys(top.volumes ?? {})).toContain(source);
      }
      for (const network of service.networks ?? []) expect(Object.keys(top.networks ?? {})).toContain(network);
      for (const secret of service.secrets ?? []) expect(Object.keys(top.secrets ?? {})).toContain(secret);
      for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
        expect(Object.keys(services)).toContain(other);
        if (condition !== 'service_healthy') continue;
        const isOurs = services[other]?.image?.startsWith('wardround-coordinator:') === true;
        expect([other, isOurs || services[other]?.healthcheck !== undefined]).toEqual([other, true]);
      }
    }
  });

  test('reads every secret from a file that the service is given, and says none aloud', () => {
    for (const [, { environment = {}, secrets = [], command = [] }] of each) {
      const text = JSON.stringify([environment, command]);
      for (const [, secret] of text.matchAll(/\/run\/secrets\/([a-z0-9-]+)/g)) expect(secrets).toContain(secret);
      for (const name of Object.keys(environment)) {
        if (/PASSWORD|SECRET|DATABASE_URL|_KEY/.test(name)) expect(name).toMatch(/_FILE$/);
      }
    }
  });

  test('keeps root file systems read-only, drops rights and restarts what is ours', () => {
    for (const [, service] of each.filter(([, { build }]) => build !== undefined)) {
      expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], restart: 'unless-stopped' });
      expect(service.volumes?.some((volume) => volume.includes(':/var/lib/wardround'))).toBe(true);
    }
  });
});

describe('coordinators.yaml', () => {
  const replicas = Object.entries(coordinators.services).filter(([, { build }]) => build !== undefined);

  test('starts two replicas with options and variables that the coordinator knows', () => {
    expect(replicas).toHaveLength(2);
    const store = replicas.map(([, { command = [] }]) => /--blob-store=(.*)/.exec(command.join('\n'))?.[1] ?? '');
    const bucket = coordinators.services['bucket']?.entrypoint?.at(-1) ?? '';
    for (const place of store.map((text) => blobPlace(text, '/state'))) {
      expect(place).toMatchObject({ kind: 's3' });
      if (place.kind === 's3') expect(bucket).toContain(`s3.bucket.create -name ${place.place.bucket}'`);
    }
    for (const [, { command = [], environment = {} }] of replicas) {
      expect(notUnderstood('wardround-coordinator', command)).toEqual([]);
      expect(Object.keys(environment).filter((name) => !readsVariable('wardround-coordinator', name))).toEqual([]);
    }
    expect(new Set(replicas.map(([, { volumes = [] }]) => volumes.join())).size).toBe(2);
  });

  test('keeps the database and the store from the world', () => {
    for (const name of ['database', 'store', 'bucket']) {
      expect(coordinators.services[name]).toMatchObject({ networks: ['back'] });
      expect(coordinators.services[name]?.ports).toBeUndefined();
    }
    expect(coordinators.networks).toMatchObject({ back: { internal: true } });
    for (const [, { ports }] of replicas) expect(ports).toBeUndefined();
  });

  test('balances over exactly the replicas, on their port', async () => {
    const nginx = await readFile(path.join(here, 'nginx.conf'), 'utf8');
    const servers = [...nginx.matchAll(/^\s+server ([a-z-]+):(\d+)/gm)].map(([, name, port]) => `${name}:${port}`);
    expect(servers).toEqual(replicas.map(([name]) => `${name}:8470`));
    for (const [, { command = [] }] of replicas) expect(command).toContain('--port=8470');
    const given = coordinators.services['balancer']?.secrets ?? [];
    for (const [, secret] of nginx.matchAll(/\/run\/secrets\/([a-z-]+)/g)) expect(given).toContain(secret);
  });
});

describe('nginx.conf', () => {
  test('waits no shorter, and takes no less, than the coordinator does', async () => {
    const nginx = await readFile(path.join(here, 'nginx.conf'), 'utf8');
    const value = (name: string): number => Number(new RegExp(`^\\s+${name} (\\d+)[sm];`, 'm').exec(nginx)?.[1]);
    const { http, socket } = limits;
    expect(1000 * value('client_header_timeout')).toBeGreaterThanOrEqual(http.headersTimeoutMillis);
    for (const wait of ['client_body_timeout', 'send_timeout', 'proxy_send_timeout', 'proxy_read_timeout']) {
      expect(1000 * value(wait)).toBeGreaterThan(http.idleTimeoutMillis);
      expect(1000 * value(wait)).toBeGreaterThan(socket.pingIntervalMillis + socket.pingTimeoutMillis);
    }
    const bodies = [limits.uploads.pieceBytes, limits.planBytes, limits.evaluationBytes, limits.messageBytes];
    expect(value('client_max_body_size') * 2 ** 20).toBeGreaterThan(Math.max(...bodies));
    const upstream = /upstream coordinators \{[^}]*\}/s.exec(nginx)?.[0] ?? '';
    const kept = (name: string): number => Number(new RegExp(`${name} (\\d+)`).exec(upstream)?.[1]);
    expect(1000 * kept('keepalive_timeout')).toBeLessThan(http.keepAliveTimeoutMillis);
    expect(kept('keepalive_requests')).toBeLessThan(http.maximumRequestsPerSocket);
  });
});

describe('site.yaml', () => {
  test('starts the site with what it knows, data read-only and no port open', async () => {
    const { command = [], volumes, ports } = site.services['site'] ?? {};
    expect(notUnderstood('wardround-site', command)).toEqual([]);
    expect(volumes).toContainEqual(expect.stringMatching(/:\/data:ro$/));
    expect(ports).toBeUndefined();
    expect(Object.keys((await read('site.gpu.yaml')).services)).toEqual(['site']);
  });
});

describe('make-secrets.sh', () => {
  const run = promisify(execFile);
  const script = path.join(here, 'make-secrets.sh');
  const program = path.join(here, '../../coordinator/bin/wardround-coordinator.js');
  const withProgram = { ...process.env, WARDROUND_COORDINATOR: `${process.execPath} ${program}` };

  test('makes every secret of coordinators.yaml but the certificate, closed to others, and changes none', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'secrets-'));
    const contents = async () =>
      Promise.all((await readdir(folder)).map((name) => readFile(path.join(folder, name), 'utf8')));
    try {
      await run(script, [folder], { env: withProgram });
      const needed = Object.values(coordinators.secrets ?? {}).map(({ file }) => path.basename(file));
      const made = await readdir(folder);
      expect([...made, 'tls-certificate.pem', 'tls-key.pem'].sort()).toEqual(needed.sort());
      expect((await stat(folder)).mode & 0o777).toBe(0o700);
      const before = await contents();
      await run(script, [folder], { env: withProgram });
      expect(await contents()).toEqual(before);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('gives the database and the store the same words as the coordinators', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'secrets-'));
    const text = (name: string) => readFile(path.join(folder, name), 'utf8');
    try {
      await run(script, [folder], { env: withProgram });
      const identity = await text('identity.json');
      expect(() => decodeIdentity(identity)).not.toThrow();
      const url = new URL(await text('database-url'));
      expect(databasePlace('', url.href).kind).toBe('postgresql');
      expect(url.password).toBe(await text('database-password'));
      expect(url.password).toMatch(/^[0-9a-f]{48}$/);
      expect([url.hostname, url.port, url.pathname]).toEqual(['database', '5432', '/wardround']);
      const [known] = (JSON.parse(await text('s3-config.json')) as { identities: { credentials: unknown }[] })
        .identities;
      const value = (ini: string, name: string) => new RegExp(`^${name} = (.+)$`, 'm').exec(ini)?.[1];
      const ini = await text('s3-credentials');
      const [accessKey, secretKey] = [value(ini, 'aws_access_key_id'), value(ini, 'aws_secret_access_key')];
      expect(known?.credentials).toEqual([{ accessKey, secretKey }]);
      expect(new Set([accessKey, secretKey, url.password]).size).toBe(3);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('leaves no keys where none could be made', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'secrets-'));
    await expect(run(script, [folder], { env: { ...process.env, WARDROUND_COORDINATOR: 'false' } })).rejects.toThrow();
    expect(await readdir(folder)).toEqual([]);
    await rm(folder, { recursive: true });
  });

  test('says how it is used', () => {
    expect(spawnSync(script, []).status).toBe(2);
    expect(spawnSync(script, ['--help']).status).toBe(2);
  });
});
