import { Token } from '#core';

/** The number, when it is whole and not too small; a token, whose value only Terraform knows, passes. */
export function wholeNumber(what: string, value: number, least: number): number {
  if (Token.isUnresolved(value)) return value;
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new Error(`${what}(${value}): give a whole number, at least ${least}`);
}
