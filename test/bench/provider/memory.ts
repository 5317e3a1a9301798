import { readFileSync } from 'node:fs';
import { pids, pssMb } from '../process-tree.ts';

const EVERY_MS = 150;

/** The highest PSS of any one provider process that a terraform command starts, by sampling. */
export class ProviderMemory {
  #timer: NodeJS.Timeout | undefined;
  #peakMb = 0;

  watch(terraformPid: number): void {
    this.#timer = setInterval(() => this.#sample(terraformPid), EVERY_MS);
  }

  stop(): number {
    clearInterval(this.#timer);
    return this.#peakMb;
  }

  #sample(terraformPid: number): void {
    for (const pid of pids(terraformPid).filter(isProvider))
      this.#peakMb = Math.max(this.#peakMb, pssMb(pid));
  }
}

/** The script build is a node with the bundle as its argument, the executable goes by its own name. */
function isProvider(pid: number): boolean {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
    return command.includes('terraform-provider-migosmtp') || command.includes('provider.cjs');
  } catch {
    return false; // ended meanwhile
  }
}
