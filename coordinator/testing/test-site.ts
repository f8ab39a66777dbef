/** A site for tests: real keys, the real protocol over real HTTP, made-up training. */

import { decodeInvitation } from '@wardround/protocols/enrolment/invitation.ts';
import { sealInvitationSecret } from '@wardround/protocols/enrolment/invitation-secret.ts';
import { memberNames, rosterHash } from '@wardround/protocols/enrolment/roster.ts';
import type { RosterAnswer } from '@wardround/protocols/enrolment/roster-messages.ts';
import { approveRoster } from '@wardround/protocols/enrolment/roster-signatures.ts';
import { CoordinatorIdentity, type Work } from '@wardround/protocols/session/messages.ts';
import { parseStudyPlan } from '@wardround/protocols/study/parse-plan.ts';
import { stageUpdateCode } from '@wardround/protocols/study/stage-layout.ts';
import { evaluationContext, updateContext } from '@wardround/protocols/transfer/envelope-contexts.ts';
import {
  readUploadState,
  tusVersion,
  type UploadAnnouncement,
  uploadHeaders,
  uploadPath,
  uploadPieceBytes,
  uploadStatementHash,
  uploadsPath,
} from '@wardround/protocols/transfer/resumable-upload.ts';
import { encodeUpdate } from '@wardround/protocols/transfer/update-code.ts';
import { encodeBase64Url } from '@wardround/shared/bytes/base64url.ts';
import { sha256Hex } from '@wardround/shared/bytes/hash.ts';
import { generateIdentity, type Identity, publicKeys } from '@wardround/shared/crypto/identity.ts';
import { seal } from '@wardround/shared/crypto/sealed-envelope.ts';
import { SIGNATURE_HEADERS, signRequest, verifyAnswer } from '@wardround/shared/crypto/signed-request.ts';
import { createRandom } from '@wardround/shared/random/seeded-random.ts';
import { layoutHash } from '@wardround/shared/tensors/layout.ts';

export interface CoordinatorAddress {
  url: string;
  readonly fingerprint: string;
  readonly signingKey: string;
  readonly sealingKey: string;
}

export interface TestAnswer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  readonly body: any;
  readonly headers: Record<string, string>;
}

export interface RequestChanges {
  readonly body?: Uint8Array | string;
  readonly headers?: Record<string, string>;
  readonly nowMillis?: number;
  readonly identity?: Identity;
  readonly site?: string;
  readonly fingerprint?: string;
  readonly bodyHash?: string;
  readonly sequence?: number;
}

export interface PieceOptions {
  /** The upload's name, and the byte that the piece begins with. */
  readonly upload: string;
  readonly offset: number;
  readonly changes?: RequestChanges;
}

export interface TestSite {
  readonly site: string;
  readonly identity: Identity;
  readonly coordinator: CoordinatorAddress;
  request(method: string, path: string, changes?: RequestChanges): Promise<TestAnswer>;
  post(path: string, message: unknown): Promise<TestAnswer>;
  work(): Promise<Work>;
  /** Approves what waits for members' approval, as a site with an automatic policy does. */
  approveRoster(): Promise<void>;
  download(hash: string): Promise<Uint8Array>;
  /** Announces and sends all of it, for the round that this site was last asked to train in. @returns the first refusal, or the last answer. */
  upload(bytes: Uint8Array): Promise<TestAnswer>;
  /** Says that so much is going to be sent for that round. */
  announce(bytes: Uint8Array, changes?: Partial<UploadAnnouncement>): Promise<TestAnswer>;
  /** Sends one piece, signed. */
  sendPiece(bytes: Uint8Array, options: PieceOptions): Promise<TestAnswer>;
  /** Does what one answer of `work` asks, with made-up results that depend on the site's name and the round alone. */
  doWork(work: Work): Promise<void>;
}

export const readiness = {
  inventory: {
    patients: 9,
    series: 9,
    slices: 90,
    nonHounsfieldSeries: 0,
    clinical: 9,
    expression: 9,
    linked: 9,
    heldOut: 3,
  },
  quarantine: { 'no-pixel-data': 1 },
  engine: { kind: 'plain', description: 'made up' },
} as const;

/** Tests sign much and restart sites without a folder: numbers from the clock are new also in the next process. */
let lastSequence = Date.now() * 100;

export function nextSequence(): number {
  return ++lastSequence;
}

/** The same for a client's link that signs with a test site's key. */
export const testSequence = { next: nextSequence, goOnFrom: () => false };

/** Joins with an invitation; where sites are admitted as they enrol, these members approve. */
export async function joinTestSite(token: string, members: readonly TestSite[] = []): Promise<TestSite> {
  const { url, fingerprint, secret, site } = decodeInvitation(token);
  const identity = generateIdentity();
  const { signingKey, sealingKey } = CoordinatorIdentity.parse(await (await fetch(`${url}/v1/identity`)).json());
  const own = createTestSite({ site, identity, coordinator: { url, fingerprint, signingKey, sealingKey } });
  const answer = await own.post('/v1/enrolments', enrolment(own, secret));
  if (answer.status !== 200) throw new Error(`enrolment: ${answer.body.code}`);
  for (const member of members) await member.approveRoster();
  return own;
}

export function enrolment({ site, identity, coordinator }: TestSite, secret: Uint8Array) {
  const keys = publicKeys(identity);
  const { signingKey } = keys;
  const sealedSecret = sealInvitationSecret(secret, {
    site,
    signingKey,
    coordinatorSealingKey: coordinator.sealingKey,
  });
  return { site, ...keys, sealedSecret };
}

export function createTestSite(own: Pick<TestSite, 'site' | 'identity' | 'coordinator'>): TestSite {
  const { site, coordinator } = own;

  const request: TestSite['request'] = async (method, path, changes = {}) => {
    const body = changes.body ?? '';
    const signed = signRequest({
      identity: changes.identity ?? own.identity,
      site: changes.site ?? site,
      method,
      path,
      bodyHash: changes.bodyHash ?? sha256Hex(body),
      coordinatorFingerprint: changes.fingerprint ?? coordinator.fingerprint,
      nowMillis: changes.nowMillis ?? Date.now(),
      sequence: changes.sequence ?? nextSequence(),
    });
    const response = await fetch(coordinator.url + path, {
      method,
      headers: { ...signed, ...changes.headers },
      ...(method === 'GET' || method === 'HEAD' ? {} : { body: Buffer.from(body) }),
    });
    const bytes = new Uint8Array(await response.arrayBuffer());
    const headers = Object.fromEntries(response.headers);
    if (method !== 'HEAD' && headers['content-type']?.startsWith('application/json')) {
      const requestNonce = changes.headers?.[SIGNATURE_HEADERS.nonce] ?? signed[SIGNATURE_HEADERS.nonce] ?? '';
      const { signingKey } = coordinator;
      verifyAnswer(headers, { status: response.status, bodyHash: sha256Hex(bytes), requestNonce, signingKey });
      return { status: response.status, body: JSON.parse(Buffer.from(bytes).toString()), headers };
    }
    const state = readUploadState(headers);
    if (state !== null) {
      const requestNonce = signed[SIGNATURE_HEADERS.nonce] ?? '';
      const { signingKey } = coordinator;
      verifyAnswer(headers, {
        status: response.status,
        bodyHash: uploadStatementHash(state),
        requestNonce,
        signingKey,
      });
    }
    return { status: response.status, body: bytes, headers };
  };

  const post: TestSite['post'] = (path, message) => request('POST', path, { body: JSON.stringify(message) });

  const accept = async (answer: Promise<TestAnswer>): Promise<TestAnswer> => {
    const found = await answer;
    if (found.status >= 300) throw new Error(`${site} was refused: ${found.status} ${found.body.code}`);
    return found;
  };

  const download: TestSite['download'] = async (hash) => {
    const bytes: Uint8Array = (await accept(request('GET', `/v1/blobs/${hash}`))).body;
    if (sha256Hex(bytes) !== hash) throw new Error('the blob is not what its name says');
    return bytes;
  };

  /** The round of the last work that was one. */
  let asked: Pick<UploadAnnouncement, 'study' | 'stage' | 'round'> | null = null;

  const announce: TestSite['announce'] = (bytes, changes = {}) => {
    if (asked === null) throw new Error('this site was not asked to train yet');
    const announcement: UploadAnnouncement = { sha256: sha256Hex(bytes), bytes: bytes.length, ...asked, ...changes };
    const headers = { [uploadHeaders.version]: tusVersion, [uploadHeaders.length]: String(announcement.bytes) };
    return request('POST', uploadsPath, { headers, body: JSON.stringify(announcement) });
  };

  const sendPiece: TestSite['sendPiece'] = (bytes, { upload, offset, changes = {} }) =>
    request('PATCH', `${uploadPath(upload)}?offset=${offset}`, {
      body: bytes,
      ...changes,
      headers: {
        'content-type': 'application/offset+octet-stream',
        [uploadHeaders.version]: tusVersion,
        [uploadHeaders.offset]: String(offset),
        ...changes.headers,
      },
    });

  const upload: TestSite['upload'] = async (bytes) => {
    let answer = await announce(bytes);
    for (let offset = 0; offset < bytes.length && answer.status < 300; offset += uploadPieceBytes) {
      const piece = bytes.subarray(offset, offset + uploadPieceBytes);
      answer = await sendPiece(piece, { upload: sha256Hex(bytes), offset });
    }
    return answer;
  };

  return {
    ...own,
    request,
    post,
    download,
    upload,
    announce,
    sendPiece,
    async approveRoster() {
      const found = await request('GET', '/v1/roster/0');
      // A site that was not admitted yet or that was taken out approves nothing.
      if (found.status !== 200) return;
      const { epochs, proposal }: RosterAnswer = found.body;
      if (proposal === null || !memberNames(epochs.at(-1)?.roster ?? null).includes(site)) return;
      const approval = approveRoster(proposal, { by: site, identity: own.identity });
      await request('POST', '/v1/roster/approvals', {
        body: JSON.stringify({ roster: rosterHash(proposal), approval }),
      });
    },
    async work() {
      const work: Work = (await accept(request('GET', '/v1/work'))).body;
      if ('round' in work) asked = { study: work.study, stage: work.stage, round: work.round };
      return work;
    },
    async doWork(work) {
      switch (work.kind) {
        case 'prepare':
          await accept(post(`/v1/studies/${work.study}/ready`, readiness));
          return;
        case 'train': {
          await download(work.model);
          const update = await madeUpUpdate(work, { site, coordinator, download });
          await accept(upload(update.sealed));
          const { study, stage, round } = work;
          await accept(post(`/v1/studies/${study}/stages/${stage}/rounds/${round}/update`, update.offer));
          return;
        }
        case 'evaluate':
          await accept(
            post(`/v1/studies/${work.study}/evaluation`, { sealed: sealReport(work.study, { site, coordinator }) }),
          );
          return;
      }
    },
  };
}

type TrainWork = Extract<Work, { kind: 'train' }>;

/** An update that depends on the site's name and the round alone. */
export async function madeUpUpdate(
  work: TrainWork,
  { site, coordinator, download }: Pick<TestSite, 'site' | 'coordinator' | 'download'>,
) {
  const plan = parseStudyPlan(Buffer.from(await download(work.planBlob)).toString());
  const stage = plan.stages.find(({ name }) => name === work.stage)!;
  const code = stageUpdateCode(plan, stage, work.sites);
  const random = createRandom(`${site}/${work.stage}/${work.round}`);
  const step = plan.protection.clip / 2 ** 31;
  const delta = new Float32Array(code.layout.size);
  // A cheap sequence is enough: the numbers only have to differ.
  let seed = random.int(2 ** 31);
  for (let i = 0; i < delta.length; i++) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    delta[i] = (seed - 2 ** 30) * step;
  }
  const sampleCounts = code.layout.groups.map(() => 1 + random.int(100));
  const { vector } = encodeUpdate(delta, { ...code, sampleCounts });
  const { study, round, model } = work;
  const context = updateContext({ study, stage: stage.name, round, site, model });
  const sealed = seal(vector, { recipientSealingKey: coordinator.sealingKey, context });
  const figures = { loss: 2, steps: 3, samples: 4, seconds: 0.5 };
  return {
    vector,
    context,
    sealed,
    offer: { blob: sha256Hex(sealed), model, layout: layoutHash(code.layout), figures },
  };
}

export function sealReport(
  study: string,
  { site, coordinator }: Pick<TestSite, 'site' | 'coordinator'>,
  report: unknown = { results: [], retrieval: [], skipped: [{ task: 'histology', reason: 'too-few-patients' }] },
): string {
  const context = evaluationContext({ study, site });
  const { sealingKey: recipientSealingKey } = coordinator;
  return encodeBase64Url(seal(Buffer.from(JSON.stringify(report)), { recipientSealingKey, context }));
}
