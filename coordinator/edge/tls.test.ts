import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { decodeInvitation } from '@wardround/protocols/enrolment/invitation.ts';
import { describe, expect, test } from 'vitest';
import { startTestCoordinator } from '../testing/test-coordinator.ts';

describe('a coordinator with a certificate', () => {
  test('serves HTTPS, says so in invitations, and is found by its command line', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'tls-'));
    const keyFile = path.join(folder, 'key.pem');
    const certificateFile = path.join(folder, 'certificate.pem');
    const subject = ['-subj', '/CN=coordinator.example', '-days', '2', '-keyout', keyFile, '-out', certificateFile];
    const made = spawnSync('openssl', [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      ...subject,
    ]);
    if (made.status !== 0) {
      console.log('Skipped: a certificate is needed and the openssl command is not here to make one.');
      return;
    }
    const coordinator = await startTestCoordinator({ tls: { keyFile, certificateFile } });
    try {
      const { url } = decodeInvitation(await coordinator.invite('basel'));
      expect(url).toMatch(/^https:/);
      const ca = await readFile(certificateFile);
      const request = get(`${url}/v1/identity`, { ca, checkServerIdentity: () => undefined });
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      expect(response.statusCode).toBe(200);
      response.resume();
      await expect(fetch(`${url}/v1/identity`)).rejects.toThrow();
    } finally {
      await coordinator.close();
      await rm(folder, { recursive: true });
    }
  });
});
