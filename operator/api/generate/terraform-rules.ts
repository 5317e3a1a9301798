/**
 * CEL rules of the resource definitions as syntax trees, so that Terraform can hold a configuration against them
 * at plan time, without a cluster. Only what the definitions use is understood; anything else stops generation.
 */
export type Tree = string | number | boolean | null | readonly unknown[];

const TOKEN = /\s*(?:(\d+)|'((?:[^'\\]|\\.)*)'|([A-Za-z_][A-Za-z_0-9]*)|(\|\||&&|[=!<>]=|[-!<>().,[\]]))/y;
const COMPARISONS: Record<string, string> = {
  '==': 'equal',
  '!=': 'unequal',
  '<=': 'lessOrEqual',
  '<': 'less',
  in: 'in',
};

/** The tree of a CEL expression, its field names changed on the way. */
export function parseRule(cel: string, rename: (field: string) => string): Tree {
  return new RuleParser(cel, rename).parse();
}

/** Recursive descent, one method a level of binding. */
class RuleParser {
  readonly #cel: string;
  readonly #rename: (field: string) => string;
  readonly #tokens: CelToken[];
  #position = 0;

  constructor(cel: string, rename: (field: string) => string) {
    this.#cel = cel;
    this.#rename = rename;
    this.#tokens = tokenize(cel);
  }

  parse(): Tree {
    const tree = this.#disjunction();
    if (this.#position < this.#tokens.length) throw this.#failure('an operator or the end');
    return tree;
  }

  #disjunction(): Tree {
    let left = this.#conjunction();
    while (this.#accept('||')) left = ['or', left, this.#conjunction()];
    return left;
  }

  #conjunction(): Tree {
    let left = this.#comparison();
    while (this.#accept('&&')) left = ['and', left, this.#comparison()];
    return left;
  }

  #comparison(): Tree {
    const left = this.#unary();
    for (const [operator, name] of Object.entries(COMPARISONS)) {
      if (this.#accept(operator)) return [name, left, this.#unary()];
    }
    if (this.#accept('>=')) return ['lessOrEqual', this.#unary(), left];
    return this.#accept('>') ? ['less', this.#unary(), left] : left;
  }

  #unary(): Tree {
    return this.#accept('!') ? ['not', this.#unary()] : this.#member();
  }

  #member(): Tree {
    let value = this.#primary();
    while (this.#accept('.')) {
      const name = this.#name();
      value = this.#accept('(') ? this.#call(value, name) : ['get', value, this.#rename(name)];
    }
    return value;
  }

  #call(target: Tree, name: string): Tree {
    if (name === 'size') return this.#closed(['size', target], ')');
    if (name !== 'all' && name !== 'exists') throw this.#failure('all, exists or size');
    const variable = this.#name();
    this.#expect(',');
    return this.#closed([name, target, variable, this.#disjunction()], ')');
  }

  #primary(): Tree {
    const token = this.#tokens[this.#position];
    if (token === undefined) throw this.#failure('a value');
    this.#position += 1;
    if (token.kind === 'number') return Number(token.text);
    if (token.kind === 'text') return token.text;
    if (token.text === '(') return this.#closed(this.#disjunction(), ')');
    return token.text === '[' ? this.#list() : this.#named(token.text);
  }

  #named(name: string): Tree {
    if (name === 'true' || name === 'false') return name === 'true';
    if (name !== 'has' && name !== 'size') return ['variable', name];
    this.#expect('(');
    return this.#closed([name, this.#disjunction()], ')');
  }

  #list(): Tree {
    const items: Tree[] = [];
    while (!this.#accept(']')) {
      items.push(this.#disjunction());
      this.#accept(',');
    }
    return ['list', ...items];
  }

  #name(): string {
    const token = this.#tokens[this.#position];
    if (token?.kind !== 'name') throw this.#failure('a name');
    this.#position += 1;
    return token.text;
  }

  #accept(text: string): boolean {
    const token = this.#tokens[this.#position];
    if (token?.text !== text || token.kind === 'text') return false;
    this.#position += 1;
    return true;
  }

  #expect(text: string): void {
    if (!this.#accept(text)) throw this.#failure(text);
  }

  #closed(tree: Tree, end: string): Tree {
    this.#expect(end);
    return tree;
  }

  #failure(expected: string): Error {
    return new Error(`CEL: ${expected} expected at token ${this.#position} of ${this.#cel}`);
  }
}

interface CelToken {
  kind: 'number' | 'text' | 'name' | 'sign';
  text: string;
}

function tokenize(cel: string): CelToken[] {
  const tokens: CelToken[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < cel.trimEnd().length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(cel);
    if (match === null) throw new Error(`CEL: not understood at ${at}: ${cel}`);
    const [, number, text, name, sign] = match;
    if (number !== undefined) tokens.push({ kind: 'number', text: number });
    else if (text !== undefined) tokens.push({ kind: 'text', text: text.replace(/\\(.)/g, '$1') });
    else if (name !== undefined) tokens.push({ kind: 'name', text: name });
    else tokens.push({ kind: 'sign', text: sign ?? '' });
  }
  return tokens;
}
