/** A process that moves org ALPHA from group a to b and kills itself after a stage: `move-killed.ts A_URL B_URL KEY STAGE`. */
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { moveOrg } from '../../src/store/groups/move-org.js';
import { openGroupedStore } from '../../src/store/groups/open-groups.js';

const [url = '', b = '', keyPath = '', stopped = ''] = process.argv.slice(2);
const store = await openGroupedStore({
  url,
  keyPath,
  groups: new Map([['b', b]]),
  roles: CONTRACT.roles,
  settings: { defaultRegion: 'US', uniqueCustomerFields: ['email'] },
  onBackgroundError() {},
});
await moveOrg({
  store,
  orgcode: 'ALPHA',
  to: 'b',
  onStep() {},
  onStage(stage) {
    if (stage === stopped) process.kill(process.pid, 'SIGKILL');
  },
});
process.stdout.write('the move ended before it was killed\n');
