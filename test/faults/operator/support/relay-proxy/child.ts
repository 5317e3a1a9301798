/**
 * Stands between the operator and relay pods, in the cluster's network: admin API and SMTP pass through it with TLS
 * ended and begun anew, so that each push of shards and each login is seen. At the step that it is armed for it says
 * so, and that step gets no further.
 */
import { createInterface } from 'node:readline';
import { proxyAdmin } from './admin.ts';
import type { Identities, Order, Said } from './protocol.ts';
import { proxySmtp } from './smtp.ts';
import { Steps } from './steps.ts';

const say = (said: Said): void => void process.stdout.write(`${JSON.stringify(said)}\n`);
const steps = new Steps(() => say({ said: 'strike' }));
let identities: Identities | undefined;

createInterface({ input: process.stdin })
  .on('line', (line) => void obey(JSON.parse(line) as Order))
  .on('close', () => process.exit());

async function obey(order: Order): Promise<void> {
  switch (order.do) {
    case 'identities':
      identities = order.identities;
      return;
    case 'arm':
      return steps.arm(order.n, order.moment);
    case 'disarm':
      return steps.disarm();
    case 'listen': {
      const { via, pod } = order;
      if (identities === undefined) throw new Error('told to listen without identities');
      await Promise.all([proxyAdmin(via, pod, identities, steps), proxySmtp(via, pod, identities, steps)]);
      return say({ said: 'listening', via });
    }
  }
}
