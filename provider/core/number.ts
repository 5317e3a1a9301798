/**
 * Terraform numbers are decimals of 512 bits, JavaScript's are doubles. A value is held as
 * - `number`, when the shortest decimal that names the double is the value itself (0.1 means one tenth),
 * - `bigint`, for whole numbers beyond 2^53,
 * - `Decimal`, for everything else.
 * The three never overlap, so equality is equality of the representation.
 */
export class Decimal {
  /** Canonical plain notation: no exponent, no leading `+`, no trailing zeros. */
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toJSON(): string {
    return this.text;
  }
}

export type CtyNumber = number | bigint | Decimal;

const NUMBER = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;
/** Beyond this many digits a number is an attack on memory, not a quantity. */
const MAX_EXPONENT = 5000;

/** Reads decimal notation. Throws RangeError for text that is no number. */
export function parseNumber(text: string): CtyNumber {
  const match = NUMBER.exec(text);
  const [, sign = '', whole = '', fraction = '', exponentText = '0'] = match ?? [];
  if (match === null || whole + fraction === '') throw new RangeError('not a decimal number');
  const exponent = Number(exponentText) - fraction.length;
  if (Math.abs(exponent) > MAX_EXPONENT) throw new RangeError('number out of range');
  const mantissa = BigInt(whole + fraction);
  return fromParts(sign === '-' ? -mantissa : mantissa, exponent);
}

/** The number that a double on the wire stands for: its exact binary value. */
export function fromFloat64(value: number): CtyNumber {
  if (!Number.isFinite(value)) return value;
  if (Number.isInteger(value)) return fromParts(BigInt(value), 0);
  let scaled = value;
  let halvings = 0;
  while (!Number.isInteger(scaled)) {
    scaled *= 2;
    halvings += 1;
  }
  return fromParts(BigInt(scaled) * 5n ** BigInt(halvings), -halvings);
}

/** Plain decimal notation of any representation. */
export function numberText(value: CtyNumber): string {
  if (value instanceof Decimal) return value.text;
  if (typeof value === 'bigint') return value.toString();
  const text = String(value);
  return text.includes('e') ? plainText(text) : text;
}

function fromParts(mantissa: bigint, exponent: number): CtyNumber {
  const text = plain(mantissa, exponent);
  if (!text.includes('.')) {
    const whole = BigInt(text);
    const double = Number(whole);
    return Number.isSafeInteger(double) ? double : whole;
  }
  const double = Number(text);
  return Number.isFinite(double) && numberText(double) === text ? double : new Decimal(text);
}

function plainText(scientific: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = NUMBER.exec(scientific) ?? [];
  const mantissa = BigInt(whole + fraction);
  return plain(sign === '-' ? -mantissa : mantissa, Number(exponent) - fraction.length);
}

function plain(mantissa: bigint, exponent: number): string {
  const sign = mantissa < 0n ? '-' : '';
  const digits = (mantissa < 0n ? -mantissa : mantissa).toString();
  if (exponent >= 0) return mantissa === 0n ? '0' : sign + digits + '0'.repeat(exponent);
  const padded = digits.padStart(1 - exponent, '0');
  const whole = padded.slice(0, exponent);
  const fraction = padded.slice(exponent).replace(/0+$/, '');
  if (fraction !== '') return `${sign}${whole}.${fraction}`;
  return whole === '0' ? '0' : sign + whole;
}
