/**
 * Identifiers become keys the moment they are read: 132 bits of HMAC-SHA-256, enough to join tables and images, useless for
 * looking a patient up. Keys stay inside the data intake.
 */
import { createHmac } from 'node:crypto';

export type KeyedHash = string;

export function keyedHash(value: string, { key, kind }: { key: string; kind: string }): KeyedHash {
  return createHmac('sha256', key).update(`${kind}\n${value}`).digest('base64url').slice(0, 22);
}

/** Ids are compared without regard to case, surrounding blanks or Unicode composition. */
export function patientKey(id: string, key: string): KeyedHash {
  return keyedHash(id.normalize('NFC').trim().toLowerCase(), { key, kind: 'patient' });
}

/** The key of a study's plan: the same plan gives the same order of patients and the same split after every restart. */
export function linkageKey(planSeed: number): string {
  return `wardround/linkage/1/${planSeed}`;
}
