/** Values that fall due, each once, over one timer: a binary heap whose replaced entries are skipped when they surface. */

interface Entry<T> {
  value: T;
  dueAt: number;
}

/** Timers beyond this overflow and fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class DelayHeap<T> {
  readonly #heap: Entry<T>[] = [];
  readonly #due = new Map<T, number>();
  readonly #fire: (value: T) => void;
  #timer: NodeJS.Timeout | undefined;
  #timerDueAt = Infinity;

  constructor(fire: (value: T) => void) {
    this.#fire = fire;
  }

  /** Fire after the delay, unless the value falls due earlier already. */
  set(value: T, delayMs: number): void {
    const dueAt = performance.now() + delayMs;
    const present = this.#due.get(value);
    if (present !== undefined && present <= dueAt) return;
    this.#due.set(value, dueAt);
    this.#push({ value, dueAt });
    this.#arm();
  }

  has(value: T): boolean {
    return this.#due.has(value);
  }

  cancel(value: T): void {
    this.#due.delete(value);
  }

  clear(): void {
    this.#due.clear();
    this.#heap.length = 0;
    clearTimeout(this.#timer);
    this.#timerDueAt = Infinity;
  }

  #arm(): void {
    const first = this.#heap[0];
    if (first === undefined || first.dueAt >= this.#timerDueAt) return;
    clearTimeout(this.#timer);
    this.#timerDueAt = first.dueAt;
    const delayMs = Math.min(Math.max(0, first.dueAt - performance.now()), LONGEST_TIMER_MS);
    this.#timer = setTimeout(() => this.#run(), delayMs);
    this.#timer.unref();
  }

  #run(): void {
    this.#timerDueAt = Infinity;
    const now = performance.now();
    while (this.#heap[0] !== undefined && this.#heap[0].dueAt <= now + 1) {
      const entry = this.#pop();
      if (this.#due.get(entry.value) !== entry.dueAt) continue;
      this.#due.delete(entry.value);
      this.#fire(entry.value);
    }
    this.#arm();
  }

  #push(entry: Entry<T>): void {
    const heap = this.#heap;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (heap[parent]!.dueAt <= heap[index]!.dueAt) break;
      [heap[parent], heap[index]] = [heap[index]!, heap[parent]!];
      index = parent;
    }
  }

  #pop(): Entry<T> {
    const heap = this.#heap;
    const top = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return top;
    heap[0] = last;
    for (let index = 0; ;) {
      const left = 2 * index + 1;
      const right = left + 1;
      let least = index;
      if (left < heap.length && heap[left]!.dueAt < heap[least]!.dueAt) least = left;
      if (right < heap.length && heap[right]!.dueAt < heap[least]!.dueAt) least = right;
      if (least === index) return top;
      [heap[least], heap[index]] = [heap[index]!, heap[least]!];
      index = least;
    }
  }
}
