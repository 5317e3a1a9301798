/** CPU and memory of a process and of everything that it started, read from /proc. */
import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks of /proc/<pid>/stat: 100 a second on every Linux that Node supports. */
const MS_PER_TICK = 10;

interface Stat {
  readonly pid: number;
  readonly parent: number;
  /** Own time and that of children that have ended and were waited for. */
  readonly ticks: number;
}

/** Milliseconds of CPU so far; only ever grows, because what an ended child used stays with its parent. */
export function cpuMs(root: number): number {
  return tree(root).reduce((sum, stat) => sum + stat.ticks, 0) * MS_PER_TICK;
}

/** Proportional set size in MB: shared pages count once over all processes that share them. */
export function pssMb(root: number): number {
  let kilobytes = 0;
  for (const { pid } of tree(root)) kilobytes += pssOf(pid);
  return kilobytes / 1024;
}

/** The root first, then its descendants. */
export function pids(root: number): number[] {
  return tree(root).map((stat) => stat.pid);
}

function tree(root: number): Stat[] {
  const stats = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readStat(Number(name)))
    .filter((stat) => stat !== undefined);
  const children = Map.groupBy(stats, (stat) => stat.parent);
  const found = stats.filter((stat) => stat.pid === root);
  for (let i = 0; i < found.length; i++) found.push(...(children.get(found[i]?.pid ?? -1) ?? []));
  return found;
}

function readStat(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in parentheses may hold blanks: fields are counted after it (proc(5)).
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    return { pid, parent: Number(fields[1]), ticks };
  } catch {
    return undefined; // ended meanwhile
  }
}

function pssOf(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Samples the memory of a tree until told to stop. */
export class MemoryWatch {
  readonly #root: number;
  readonly #timer: NodeJS.Timeout;
  #peak = 0;

  constructor(root: number, everyMs = 250) {
    this.#root = root;
    this.#timer = setInterval(() => this.#sample(), everyMs);
    this.#sample();
  }

  /** The highest sample, in MB. */
  stop(): number {
    clearInterval(this.#timer);
    this.#sample();
    return this.#peak;
  }

  #sample(): void {
    this.#peak = Math.max(this.#peak, pssMb(this.#root));
  }
}
