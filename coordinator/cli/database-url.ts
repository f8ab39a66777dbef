/**
 * The address of the PostgreSQL database: the environment variable DATABASE_URL, or the file that DATABASE_URL_FILE names, as
 * containers and services are given secrets; null for SQLite in the state folder.
 */
import { readFileSync } from 'node:fs';
import { UsageError } from './exit-codes.ts';

/** @throws {UsageError} that says nothing of the address or the file. */
export function databaseUrl(): string | null {
  const { DATABASE_URL: url, DATABASE_URL_FILE: file } = process.env;
  if (url) return url;
  if (!file) return null;
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch {
    throw new UsageError('Cannot find the database: the file that DATABASE_URL_FILE names cannot be read.');
  }
  if (text !== '') return text;
  throw new UsageError('Cannot find the database: the file that DATABASE_URL_FILE names is empty.');
}
