import { definedOrAbsent } from './defined.ts';
import { wholeNumber } from './number.ts';

/** What an account's `rotation` says, as the binding takes it. */
export interface RotationFields {
  readonly revision?: number;
  readonly interval?: string;
  readonly overlap?: string;
  readonly resetRevision?: number;
}

/**
 * When the password of an account changes. A value: each method answers with a new one, in any order.
 *
 * @example Rotation.revision(2)                                // rotate once more: raise the number
 * @example Rotation.everyDays(90).overlap('48h')               // by itself; old password works two days longer
 * @example Rotation.revision(2).reset(1)                       // compromised: old passwords die at once
 */
export class Rotation {
  /** Raise the number to rotate once; the old password works through the overlap. */
  static revision(revision: number): Rotation {
    return new Rotation({}).revision(revision);
  }

  /** Rotate by itself, every so many days. */
  static everyDays(days: number): Rotation {
    return new Rotation({}).everyDays(days);
  }

  /** Rotate by itself this often: hours, minutes, seconds, such as `36h` or `1h30m`. */
  static every(interval: string): Rotation {
    return new Rotation({}).every(interval);
  }

  /** Raise the number to reset: every old password dies at once, and sessions that used it are closed. */
  static reset(revision: number): Rotation {
    return new Rotation({}).reset(revision);
  }

  readonly #fields: RotationFields;

  private constructor(fields: RotationFields) {
    this.#fields = fields;
  }

  revision(revision: number): Rotation {
    return this.#with({ revision: wholeNumber('Rotation.revision', revision, 0) });
  }

  everyDays(days: number): Rotation {
    return this.#with({ interval: `${wholeNumber('Rotation.everyDays', days, 1) * 24}h` });
  }

  every(interval: string): Rotation {
    return this.#with({ interval });
  }

  reset(revision: number): Rotation {
    return this.#with({ resetRevision: wholeNumber('Rotation.reset', revision, 0) });
  }

  /** How long an old password works after the new one is published: `24h` unless said. */
  overlap(duration: string): Rotation {
    return this.#with({ overlap: duration });
  }

  /** @internal */
  toFields(): RotationFields | undefined {
    return definedOrAbsent(this.#fields);
  }

  #with(fields: RotationFields): Rotation {
    return new Rotation({ ...this.#fields, ...fields });
  }
}
