/** A process that copies and kills itself while it writes: `copy-killed.ts FROM FROM_KEY TO TO_KEY WRITES`. */
import { copyOver, withWrite } from './copying.js';

const [fromDb = '', fromKey = '', toDb = '', toKey = '', writes = ''] = process.argv.slice(2);
let count = 0;
await copyOver({ db: fromDb, keyPath: fromKey }, { db: toDb, keyPath: toKey }, (driver) =>
  withWrite(driver, (job) => {
    count += 1;
    const written = driver.write(job);
    if (count === Number(writes)) setTimeout(() => process.kill(process.pid, 'SIGKILL'), 1);
    return written;
  }),
);
process.stdout.write('the copy ended before it was killed\n');
