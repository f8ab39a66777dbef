/** Faults 10 to 18: the coordinator is killed while sites agree on the survivors, reveal their shares, and when it commits. */
import { testCoordinatorKills } from './kill-coordinator.ts';
import { killFaults } from './kill-faults.ts';

testCoordinatorKills(killFaults(10, ['consistency', 'unmask', 'commit']));
