/** Faults 19 to 27: a site is killed when it has trained, advertises its keys and shares them. */

import { killFaults } from './kill-faults.ts';
import { testSiteKills } from './kill-site.ts';

testSiteKills([
  ...killFaults(19, ['train', 'advertise', 'share-keys']),
  // Beside the numbered ones: the coordinator knows that it is ready, and the site does not.
  { number: 19.1, phase: 'ready', point: 'after-ack' },
]);
