import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { encodeInvitation } from '@wardround/protocols/enrolment/invitation.ts';
import { openInvitationSecret } from '@wardround/protocols/enrolment/invitation-secret.ts';
import { planHash, StudyPlan } from '@wardround/protocols/study/plan.ts';
import { smallPlan } from '@wardround/protocols/study/small-plan.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { fingerprint, generateIdentity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { SIGNATURE_HEADERS, signAnswer } from '@wardround/shared/crypto/signed-request.ts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { isApproved } from '../policy/approvals.ts';
import { lockSiteFolder } from '../state/instance-lock.ts';
import { readMembership } from '../state/membership.ts';
import { keepOfferedStudy } from '../state/offered-studies.ts';
import { runCli } from './run-cli.ts';

let parent: string;
let state: string;
let data: string;
let out: string;
let err: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'canary-path-'));
  state = join(parent, 'state');
  data = join(parent, 'data');
  await mkdir(join(data, 'ct'), { recursive: true });
  out = '';
  err = '';
  vi.spyOn(console, 'log').mockImplementation((line) => {
    out += `${line}\n`;
  });
  vi.spyOn(console, 'error').mockImplementation((line) => {
    err += `${line}\n`;
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(parent, { recursive: true });
});

const run = (...words: string[]) => runCli(words);

describe('wardround-site', () => {
  test('shows help for the whole and for each command', async () => {
    expect(await run('--help')).toBe(0);
    for (const command of ['join', 'start', 'status', 'study', 'policy', 'inspect', 'doctor']) {
      expect(out).toContain(command);
      expect(await run(command, '--help')).toBe(0);
    }
    expect(out).toContain('--approve=<any>');
    expect(err).toBe('');
  });

  test.each([
    [[]],
    [['frobnicate']],
    [['__proto__']],
    [['start', '--frob']],
    [['start', '--engine', 'steam']],
    [['start', '--approve']],
    [['join']],
    [['join', 'wardround1.x']],
    [['inspect']],
    [['doctor', '--frob']],
    [['inspect', '/nowhere/canary-path']],
    [['inspect', '.', '--size', '63']],
    [['study']],
    [['study', 'frob']],
    [['study', 'approve', 'xyz']],
    [['study', 'approve', 'abcdef0123']],
    [['study', 'show', 'abcdef0123']],
    [['study', 'diff', 'abcdef0123']],
    [['study', 'revoke', 'abcdef0123']],
    [['policy', 'check', '/nowhere/canary-path']],
  ])('ends with 2 and says what to do for %j', async (words) => {
    const withState =
      words[0] === 'start' || (words[0] === 'study' && words.length > 2) ? [...words, '--state', state] : words;
    expect(await run(...withState)).toBe(2);
    expect(out + err).toMatch(/--help|USAGE/);
    expect(out + err).not.toContain('canary');
  });

  test('start ends with 1 on a folder that has not joined', async () => {
    expect(await run('start', '--state', state)).toBe(1);
    expect(err).toContain('wardround-site join TOKEN');
  });

  test('status says whether the site has joined, without making a folder', async () => {
    expect(await run('status', '--state', state)).toBe(0);
    expect(out).toContain('has not joined');
    expect(await readdir(parent)).toEqual(['data']);
  });

  test('approve approves an offered study by the beginning of its hash and shows what it is', async () => {
    const plan = StudyPlan.parse(smallPlan());
    const study = planHash(plan);
    await mkdir(state);
    await keepOfferedStudy(state, { study, plan, nowMillis: Date.parse('2026-11-22') });
    expect(await run('study', 'list', '--state', state)).toBe(0);
    expect(out).toContain(`${study}  not approved  offered 2026-11-22  small-study`);
    expect(await run('study', 'show', study.slice(0, 8), '--state', state)).toBe(0);
    expect(out).toContain(`wardround-site study approve ${study}`);
    expect(await run('study', 'approve', study.slice(0, 8), '--state', state)).toBe(0);
    expect(out).toContain('What leaves this site');
    expect(await isApproved(study, { folder: state, rule: 'listed' })).toBe(true);
    expect(await run('study', 'revoke', study.slice(0, 8), '--state', state)).toBe(0);
    expect(await isApproved(study, { folder: state, rule: 'listed' })).toBe(false);
    out = '';
    expect(await run('study', 'list', '--state', state)).toBe(0);
    expect(out).toContain(`${study}  revoked`);
  });

  test('study diff says what a new plan changes in the approved one', async () => {
    await mkdir(state);
    const plans = [0.1, 0.5].map((clip) =>
      StudyPlan.parse({ ...smallPlan(), protection: { ...smallPlan().protection, clip } }),
    );
    const [before, after] = plans.map(planHash) as [string, string];
    for (const plan of plans) await keepOfferedStudy(state, { study: planHash(plan), plan, nowMillis: 1 });
    expect(await run('study', 'diff', after, '--state', state)).toBe(2);
    expect(err).toContain('has approved no other study yet');
    expect(await run('study', 'approve', before, '--state', state)).toBe(0);
    out = '';
    expect(await run('study', 'diff', after, '--state', state)).toBe(0);
    expect(out).toContain('The most a trained number may change in a round: 0.5, was 0.1.');
    out = '';
    expect(await run('study', 'diff', after, after, '--state', state)).toBe(0);
    expect(out).toContain('Nothing.');
  });

  test('study approve refuses with 4 what the policy does not allow, and with 1 under a damaged policy', async () => {
    const plan = StudyPlan.parse(smallPlan());
    const study = planHash(plan);
    await mkdir(state);
    await keepOfferedStudy(state, { study, plan, nowMillis: 1 });
    await writeFile(join(state, 'policy.json'), JSON.stringify({ format: 'wardround-site-policy/1', minimumSites: 3 }));
    expect(await run('study', 'approve', study, '--state', state)).toBe(4);
    expect(err).toContain('policy floor minimumSites needs at least 3 sites in a round; the study has 2');
    expect(await run('policy', 'show', '--state', state)).toBe(0);
    expect(out).toMatch(/minimumSites +3\nminimumThreshold +no floor/);
    await writeFile(join(state, 'policy.json'), '{');
    expect(await run('study', 'approve', study, '--state', state)).toBe(1);
    expect(err).toContain('Cannot use policy.json');
    expect(await isApproved(study, { folder: state, rule: 'listed' })).toBe(false);
  });

  test('policy check says whether a file can be used, and what is wrong by its own names only', async () => {
    const file = join(parent, 'policy.json');
    await writeFile(file, '{"format":"wardround-site-policy/1","maximumClip":0.5,"dataSets":["ct"]}');
    expect(await run('policy', 'check', file)).toBe(0);
    expect(out).toContain('The policy can be used.');
    await writeFile(file, '{"format":"wardround-site-policy/1","maximumClip":"canary-value","canary":1}');
    expect(await run('policy', 'check', file)).toBe(2);
    expect(err).toContain('look at maximumClip, a setting that does not exist');
    expect(out + err).not.toContain('canary');
  });

  test('inspect counts what it finds and names reasons, never files or people', async () => {
    await mkdir(join(data, 'ct', 'canary-patient'));
    await writeFile(join(data, 'ct', 'canary-patient', 'canary-scan.dcm'), 'canary-content');
    await writeFile(join(data, 'clinical.csv'), 'case_id,age\ncanary-one,61\ncanary-two,72\n');
    expect(await run('inspect', data, '--json')).toBe(0);
    const report = JSON.parse(out);
    expect(report.inventory).toMatchObject({ patients: 2, clinical: 2, slices: 0 });
    expect(report.quarantine).toMatchObject([{ reason: 'not-dicom', count: 1 }]);
    expect(await run('inspect', data)).toBe(0);
    expect(out).toContain('1  not-dicom: The file is not a DICOM file');
    expect(out + err).not.toContain('canary');
  });

  test('start refuses a number of threads that is none', async () => {
    for (const threads of ['0', '2.5', 'many', '']) {
      expect(await run('start', '--threads', threads, '--state', state)).toBe(2);
      expect(err).toContain('Cannot use --threads: a whole number from 1 to 1024 is needed');
    }
  });

  test('runs from its launcher', async () => {
    const launcher = fileURLToPath(new URL('../bin/wardround-site.js', import.meta.url));
    const { stdout } = await promisify(execFile)('node', [launcher, 'status', '--state', state]);
    expect(stdout).toContain('has not joined');
    await expect(promisify(execFile)('node', [launcher, 'frob'])).rejects.toMatchObject({ code: 2 });
  });
});

describe('wardround-site join', () => {
  const coordinator = generateIdentity();
  const keys = publicKeys(coordinator);
  const secret = new Uint8Array(32).fill(7);
  let server: Server;
  let url: string;
  let enrol: (body: { site: string; signingKey: string; sealedSecret: string }) => { status: number; body: object };
  let presented = keys;

  const handle: RequestListener = (request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const answer =
        request.url === '/v1/identity'
          ? { status: 200, body: { format: 'wardround-coordinator/1', ...presented } }
          : enrol(JSON.parse(Buffer.concat(pieces).toString()));
      const body = JSON.stringify(answer.body);
      const nonce = request.headers[SIGNATURE_HEADERS.nonce];
      const signed = { identity: coordinator, status: answer.status, bodyHash: sha256Hex(body), nowMillis: Date.now() };
      const headers = nonce === undefined ? {} : signAnswer({ ...signed, requestNonce: String(nonce) });
      response.writeHead(answer.status, headers).end(body);
    });
  };
  beforeAll(async () => {
    server = createServer(handle);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.close());
  beforeEach(() => {
    presented = keys;
    enrol = ({ site }) => ({ status: 200, body: { site, status: 'pending' } });
  });

  const tokenWith = (change: object = {}) =>
    encodeInvitation({
      url,
      fingerprint: fingerprint(keys),
      secret,
      site: 'clinic',
      expiresMillis: Date.now() + 60_000,
      ...change,
    });
  const join_ = (token: string, ...words: string[]) => run('join', token, '--data', data, '--state', state, ...words);

  test('pins the coordinator and sends the secret so that only the coordinator can read it', async () => {
    let received: Uint8Array | undefined;
    enrol = ({ site, signingKey, sealedSecret }) => {
      received = openInvitationSecret(sealedSecret, { identity: coordinator, site, signingKey });
      return { status: 200, body: { site, status: 'pending' } };
    };
    expect(await join_(tokenWith())).toBe(0);
    expect(received).toEqual(secret);
    expect(await readMembership(state)).toEqual({
      format: 'wardround-site/1',
      site: 'clinic',
      coordinator: { url, fingerprint: fingerprint(keys), ...keys },
      dataDirectory: data,
    });
    expect(out).toContain('still has to admit');
    expect(out + err).not.toContain('canary');
  });

  test('keeps its keys when it joins again', async () => {
    await join_(tokenWith());
    const identity = await readFile(join(state, 'identity.json'), 'utf8');
    expect(await join_(tokenWith())).toBe(0);
    expect(await readFile(join(state, 'identity.json'), 'utf8')).toBe(identity);
  });

  test('ends with 4 when other keys answer at the address, and pins nothing', async () => {
    presented = publicKeys(generateIdentity());
    expect(await join_(tokenWith())).toBe(4);
    expect(err).toContain('has other keys than the invitation names');
    expect(await readMembership(state)).toBeNull();
  });

  test('ends with 4 when the coordinator refuses', async () => {
    enrol = () => ({ status: 403, body: { code: 'invitation-used', message: 'The invitation was used before.' } });
    expect(await join_(tokenWith())).toBe(4);
    expect(err).toContain('The coordinator refused (invitation-used): The invitation was used before.');
    expect(await readMembership(state)).toBeNull();
  });

  test('ends with 4 when the invitation has expired', async () => {
    expect(await join_(tokenWith({ expiresMillis: 1 }))).toBe(4);
  });

  test('ends with 3 when nobody answers', async () => {
    expect(await join_(tokenWith({ url: 'http://127.0.0.1:1' }))).toBe(3);
    expect(err).toContain('Cannot reach the coordinator (ECONNREFUSED)');
  });

  test('reaches the coordinator at another address when told to', async () => {
    expect(await join_(tokenWith({ url: 'http://127.0.0.1:1' }), '--url', url)).toBe(0);
    expect((await readMembership(state))?.coordinator.url).toBe(url);
    expect(await join_(tokenWith(), '--url', `${url}/path`)).toBe(2);
    expect(err).toContain('nothing after it');
  });

  test('does not leave a consortium for another by itself', async () => {
    await join_(tokenWith());
    expect(await join_(tokenWith({ fingerprint: 'a'.repeat(64) }))).toBe(2);
    expect(err).toContain('belongs to another coordinator');
  });

  test('waits for no running client', async () => {
    await mkdir(state);
    const unlock = lockSiteFolder(state);
    expect(await join_(tokenWith())).toBe(1);
    expect(err).toContain('another client is running');
    unlock();
  });
});
