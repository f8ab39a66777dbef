/** Faults 1 to 9: the coordinator is killed while sites advertise keys, share them and send masked updates. */
import { testCoordinatorKills } from './kill-coordinator.ts';
import { killFaults } from './kill-faults.ts';

testCoordinatorKills(killFaults(1, ['advertise', 'share-keys', 'masked-input']));
