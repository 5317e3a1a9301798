/** Whether a figure has moved enough to be written into status. Pure. */

export interface Figure {
  used: number;
  /** Undefined: unlimited. */
  quota: number | undefined;
}

const QUIET_MS = 15 * 60_000;
const MARKS = [0.8, 1];

/** `toldAt` undefined: never told. Figures are compared place by place. */
export function isWorthTelling(
  told: readonly number[],
  toldAt: Date | undefined,
  figures: readonly Figure[],
  now: Date,
): boolean {
  if (toldAt === undefined || Number.isNaN(toldAt.getTime())) return true;
  const isChanged = figures.some(({ used }, index) => used !== told[index]);
  if (!isChanged) return false;
  if (now.getTime() - toldAt.getTime() >= QUIET_MS) return true;
  return figures.some((figure, index) => levelOf(figure) > levelOf({ ...figure, used: told[index] ?? 0 }));
}

/** How many of the marks are passed. */
function levelOf({ used, quota }: Figure): number {
  return quota === undefined || quota <= 0 ? 0 : MARKS.filter((mark) => used >= quota * mark).length;
}
