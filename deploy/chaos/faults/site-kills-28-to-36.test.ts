/** Faults 28 to 36: a site is killed when it has masked its update, agrees on the survivors and reveals its shares. */

import { killFaults } from './kill-faults.ts';
import { testSiteKills } from './kill-site.ts';

testSiteKills([
  ...killFaults(28, ['masked-input', 'consistency', 'unmask']),
  // Beside the numbered ones: the upload is acknowledged, and the message that names it was not sent.
  { number: 30.1, phase: 'upload', point: 'after-ack' },
]);
