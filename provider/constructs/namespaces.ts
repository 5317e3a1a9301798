import { defined } from './defined.ts';

/** Which workspaces may use a relay or a domain. */
export class AllowedNamespaces {
  /** Only the namespace of the object itself. */
  static same(): AllowedNamespaces {
    return new AllowedNamespaces('Same');
  }

  /** Every namespace of the cluster. */
  static all(): AllowedNamespaces {
    return new AllowedNamespaces('All');
  }

  /** Namespaces that have all of these labels. */
  static labelled(matchLabels: Record<string, string>): AllowedNamespaces {
    return new AllowedNamespaces('Selector', matchLabels);
  }

  readonly from: 'Same' | 'All' | 'Selector';
  readonly #matchLabels: Record<string, string> | undefined;

  private constructor(from: 'Same' | 'All' | 'Selector', matchLabels?: Record<string, string>) {
    this.from = from;
    this.#matchLabels = matchLabels;
  }

  /** @internal */
  toFields() {
    return defined({ from: this.from, selector: this.#matchLabels && { matchLabels: this.#matchLabels } });
  }
}
