import { defined } from './defined.ts';

interface StorageFields {
  embedded?: { size?: string; storageClassName?: string };
  postgres?: { secretRef: { name: string; key?: string } };
}

/** Where a relay keeps the mail that it has accepted. */
export class Storage {
  /** SQLite on a volume claim; one pod. */
  static embedded(options: { readonly size?: string; readonly storageClassName?: string } = {}): Storage {
    return new Storage({ embedded: { ...options } });
  }

  /** PostgreSQL, whose connection URI is in this Secret under `key` (default `uri`); any number of pods. */
  static postgres(secretName: string, key?: string): Storage {
    return new Storage({ postgres: { secretRef: defined({ name: secretName, key }) } });
  }

  readonly #fields: StorageFields;

  private constructor(fields: StorageFields) {
    this.#fields = fields;
  }

  /** @internal */
  toFields(): StorageFields {
    return this.#fields;
  }
}
