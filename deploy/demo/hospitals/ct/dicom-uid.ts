/** DICOM unique identifiers that follow from the seed. */
import { sha256 } from '@wardround/shared/bytes/hash.ts';

/**
 * A UUID-derived identifier (PS3.5 annex B.2): `2.25.` and a UUID as a whole number. The UUID is of version 8 (RFC 9562),
 * its free bits taken from the hash of the parts.
 */
export function seededUid(...parts: readonly (string | number)[]): string {
  const uuid = sha256(`wardround/demo-uid/1\n${JSON.stringify(parts)}`).slice(0, 16);
  uuid[6] = (uuid[6]! & 0x0f) | 0x80;
  uuid[8] = (uuid[8]! & 0x3f) | 0x80;
  return `2.25.${BigInt(`0x${Buffer.from(uuid).toString('hex')}`)}`;
}
