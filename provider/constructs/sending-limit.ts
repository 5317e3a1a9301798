import { wholeNumber } from './number.ts';

/** What an account's `limits` says, as the binding takes it. */
export interface LimitFields {
  readonly perMinute?: number;
  readonly perHour?: number;
  readonly perDay?: number;
  readonly perMonth?: number;
  readonly onWindowLimit?: string;
}

/**
 * How many emails an account may send; an email is one accepted recipient of one message. A value: each method
 * answers with a new one. The workspace's plan limits it further.
 *
 * @example SendingLimit.perDay(10_000)
 * @example SendingLimit.perDay(10_000).perHour(1_000).rejecting()
 */
export class SendingLimit {
  static perMinute(emails: number): SendingLimit {
    return new SendingLimit({}).perMinute(emails);
  }

  static perHour(emails: number): SendingLimit {
    return new SendingLimit({}).perHour(emails);
  }

  static perDay(emails: number): SendingLimit {
    return new SendingLimit({}).perDay(emails);
  }

  static perMonth(emails: number): SendingLimit {
    return new SendingLimit({}).perMonth(emails);
  }

  readonly #fields: LimitFields;

  private constructor(fields: LimitFields) {
    this.#fields = fields;
  }

  perMinute(emails: number): SendingLimit {
    return this.#with({ perMinute: wholeNumber('SendingLimit.perMinute', emails, 1) });
  }

  perHour(emails: number): SendingLimit {
    return this.#with({ perHour: wholeNumber('SendingLimit.perHour', emails, 1) });
  }

  perDay(emails: number): SendingLimit {
    return this.#with({ perDay: wholeNumber('SendingLimit.perDay', emails, 1) });
  }

  perMonth(emails: number): SendingLimit {
    return this.#with({ perMonth: wholeNumber('SendingLimit.perMonth', emails, 1) });
  }

  /** Over a minute, hour or day limit: hold the mail until the window opens (what happens unless said). */
  queueing(): SendingLimit {
    return this.#with({ onWindowLimit: 'Queue' });
  }

  /** Over a minute, hour or day limit: answer 451, so that the app tries again. */
  rejecting(): SendingLimit {
    return this.#with({ onWindowLimit: 'Reject' });
  }

  /** @internal */
  toFields(): LimitFields {
    return this.#fields;
  }

  #with(fields: LimitFields): SendingLimit {
    return new SendingLimit({ ...this.#fields, ...fields });
  }
}
