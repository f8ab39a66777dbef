/**
 * What is said in a secure aggregation session. Sites say one message per phase, each signed, naming its session and the
 * message its sender said before; the coordinator passes signed messages on and adds nothing that a site must believe,
 * except who is still there, which every site signs in the consistency phase.
 *
 *   phase          a site says                                the coordinator answers
 *   advertise      fresh public keys                          KeyBroadcast: all of them, and the parameters
 *   share-keys     sealed shares and commitments              ShareDelivery: who shared, and the neighbours' messages
 *   masked-input   the hash of its masked vector              Survivors: whose vectors arrived
 *   consistency    its view of who shared and who survived    ConsistencyProof: all these views
 *   unmask         one share per neighbour                    the published sum
 *
 * `abort` is said in place of any of them.
 */
import { z } from 'zod';
import { Bytes32, ReasonCode, Sha256, Slug } from '../names.ts';

/** More would not fit the fixed-point code's bounds. */
const MOST_SITES = 1000;
const FORMAT = 'wardround-secure-aggregation/1';

/** What a session is about. A site fills it in from its own knowledge, never from a message. */
export const SessionTerms = z.strictObject({
  /** Names what is trained, such as a study and a stage. With `round` it names what may be unmasked once. */
  run: z.string().min(1).max(200),
  round: z.int().min(1).max(1_000_000),
  /** 1 for the round's first session; a session that failed may be followed by another. */
  attempt: z.int().min(1).max(1000),
  /** The weights that the updates were trained from. */
  model: Sha256,
  plan: Sha256,
  rosterEpoch: z.int().min(0),
  roster: Sha256,
  /** In studies with cohorts: which of them the session is of, and who is in it, sorted. Nobody else has a part. */
  cohort: z
    .strictObject({
      index: z.int().min(0).max(MOST_SITES),
      of: z.int().min(1).max(MOST_SITES),
      members: z.array(Slug).min(1).max(MOST_SITES),
    })
    .optional(),
  /** How many 32-bit numbers a vector has, the canary included. */
  words: z
    .int()
    .min(1)
    .max(2 ** 31),
});
export type SessionTerms = z.infer<typeof SessionTerms>;

const Signature = z.string().regex(/^[A-Za-z0-9_-]{86}$/, 'must be 64 bytes as base64url');
/** A share: its x coordinate and 32 bytes. */
const Share = z.string().regex(/^[A-Za-z0-9_-]{44}$/, 'must be 33 bytes as base64url');
/** Nonce of 12 bytes, two shares of 33, tag of 16. */
const SealedShares = z.string().regex(/^[A-Za-z0-9_-]{126}$/, 'must be 94 bytes as base64url');

export const AdvertiseBody = z.strictObject({
  /** X25519, for the masks between two sites. */
  maskKey: Bytes32,
  /** X25519, for sealing shares. */
  shareKey: Bytes32,
  nonce: Bytes32,
  terms: SessionTerms,
});
export type AdvertiseBody = z.infer<typeof AdvertiseBody>;

export const ShareKeysBody = z.strictObject({
  /** Of the seed of the sender's own mask. */
  seedCommitment: Sha256,
  /** By recipient, in the order of their names; on the complete graph the sender's own entry is among them, unsealed. */
  shares: z
    .array(
      z.strictObject({
        to: Slug,
        seedShareCommitment: Sha256,
        keyShareCommitment: Sha256,
        sealed: SealedShares.nullable(),
      }),
    )
    .max(255),
});
export type ShareKeysBody = z.infer<typeof ShareKeysBody>;

export const MaskedInputBody = z.strictObject({
  /** Of the list of sites whose keys are in the masks. */
  sharers: Sha256,
  /** Of the masked vector's little-endian bytes. */
  maskedInput: Sha256,
});
export type MaskedInputBody = z.infer<typeof MaskedInputBody>;

export const ConsistencyBody = z.strictObject({ sharers: Sha256, survivors: Sha256 });
export type ConsistencyBody = z.infer<typeof ConsistencyBody>;

export const UnmaskBody = z.strictObject({
  survivors: Sha256,
  /** By whose secret it is a share of, in the order of names: `seed` for a survivor, `key` for one who dropped out. */
  shares: z.array(z.strictObject({ of: Slug, kind: z.enum(['seed', 'key']), share: Share })).max(255),
});
export type UnmaskBody = z.infer<typeof UnmaskBody>;

export const AbortBody = z.strictObject({ reason: ReasonCode, suspect: Slug.nullable() });
export type AbortBody = z.infer<typeof AbortBody>;

/** In the order in which they are said. */
export const PHASES = ['advertise', 'share-keys', 'masked-input', 'consistency', 'unmask'] as const;
export type Phase = (typeof PHASES)[number];

export interface Bodies {
  readonly advertise: AdvertiseBody;
  readonly 'share-keys': ShareKeysBody;
  readonly 'masked-input': MaskedInputBody;
  readonly consistency: ConsistencyBody;
  readonly unmask: UnmaskBody;
  readonly abort: AbortBody;
}
export type Kind = keyof Bodies;

export interface Header<K extends Kind = Kind> {
  readonly format: typeof FORMAT;
  readonly phase: K;
  readonly run: string;
  readonly round: number;
  readonly attempt: number;
  /** Null until the keys, from which it follows, are advertised. */
  readonly session: string | null;
  readonly site: string;
  /** 0 for the sender's first message of the session. */
  readonly sequence: number;
  /** The hash of the sender's message before. */
  readonly previous: string | null;
  readonly bodyHash: string;
}

export interface SignedMessage<K extends Kind = Kind> {
  readonly header: Header<K>;
  readonly body: Bodies[K];
  /** ed25519, base64url, over the header; the header has the body's hash. */
  readonly signature: string;
}

function message<K extends Kind>(phase: K, body: z.ZodType<Bodies[K]>) {
  return z.strictObject({
    header: z.strictObject({
      format: z.literal(FORMAT),
      phase: z.literal(phase),
      run: SessionTerms.shape.run,
      round: SessionTerms.shape.round,
      attempt: SessionTerms.shape.attempt,
      session: Sha256.nullable(),
      site: Slug,
      sequence: z.int().min(0).max(9),
      previous: Sha256.nullable(),
      bodyHash: Sha256,
    }),
    body,
    signature: Signature,
  });
}

export const AdvertiseMessage = message('advertise', AdvertiseBody);
const ShareKeysMessage = message('share-keys', ShareKeysBody);
const MaskedInputMessage = message('masked-input', MaskedInputBody);
const ConsistencyMessage = message('consistency', ConsistencyBody);
const UnmaskMessage = message('unmask', UnmaskBody);
const AbortMessage = message('abort', AbortBody);

/** Whatever a site may say. */
export const SiteMessage = z.union([
  AdvertiseMessage,
  ShareKeysMessage,
  MaskedInputMessage,
  ConsistencyMessage,
  UnmaskMessage,
  AbortMessage,
]);

export const KeyBroadcast = z.strictObject({
  parameters: z.strictObject({
    colluders: z.int().min(0),
    threshold: z.int().min(0),
    degree: z.int().min(0),
    fewestSurvivors: z.int().min(0),
  }),
  advertisements: z.array(AdvertiseMessage).max(MOST_SITES),
});
export type KeyBroadcast = z.infer<typeof KeyBroadcast>;

export const ShareDelivery = z.strictObject({
  /** Every site whose shares arrived. */
  sharers: z.array(Slug).max(MOST_SITES),
  /** Of those that are the recipient's neighbours. */
  messages: z.array(ShareKeysMessage).max(255),
});
export type ShareDelivery = z.infer<typeof ShareDelivery>;

export const Survivors = z.strictObject({ survivors: z.array(Slug).max(MOST_SITES) });
export type Survivors = z.infer<typeof Survivors>;

export const ConsistencyProof = z.strictObject({ messages: z.array(ConsistencyMessage).max(MOST_SITES) });
export type ConsistencyProof = z.infer<typeof ConsistencyProof>;
