/** `make test` runs the fault tests reduced, `make test-long` at full size. */
export const isFull = process.env.MIGOSMTP_TEST_SIZE === 'full';

export function sized(full: number, reduced: number): number {
  return isFull ? full : reduced;
}
