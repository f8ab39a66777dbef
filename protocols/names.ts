/** The small vocabulary that every message uses: names, hashes, keys and times, each with its bounds. */
import { z } from 'zod';

/** A site's or study's short name: it appears in logs, reports and paths, so it can hold nothing else. */
export const Slug = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/, 'must be 1 to 40 lower-case letters, digits or inner hyphens');

/** SHA-256 as 64 lower-case hexadecimal digits. */
export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits');

/** 32 bytes (a public key, a nonce) as unpadded base64url. */
export const Bytes32 = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'must be 32 bytes as base64url');

/** Milliseconds since 1970 (UTC). */
export const TimeMillis = z.int().min(0).max(8_640_000_000_000_000);

/** How many of something. */
export const Count = z.int().min(0).max(1_000_000_000);

/** A closed, machine-readable reason such as `no-pixel-data`; never free text, so nothing personal fits in. */
export const ReasonCode = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/, 'must be a lower-case reason code');
