import { error, hasError, type Diagnostic } from './diagnostic.ts';
import { tellName } from './name.ts';
import type { Path } from './path.ts';
import { plan } from './plan.ts';
import type {
  Action,
  Call,
  DataSource,
  EphemeralOutcome,
  EphemeralResource,
  Found,
  JsonObject,
  ListQuery,
  ListResource,
  MoveSource,
  Outcome,
  PrivateState,
  Provider,
  Resource,
} from './provider.ts';
import type { Schema } from './schema.ts';
import { attribute, isList, isObject, isUnknown, object, type Value, type ValueObject } from './value.ts';
import { validate } from './validate.ts';

export interface PlanRequest {
  readonly prior: ValueObject | null;
  readonly proposed: ValueObject | null;
  readonly config: ValueObject | null;
  readonly private: PrivateState;
}

export interface PlanOutcome {
  readonly planned: ValueObject | null;
  readonly replace: readonly Path[];
  readonly private: PrivateState;
  readonly diagnostics: readonly Diagnostic[];
}

export interface ApplyRequest {
  readonly prior: ValueObject | null;
  readonly planned: ValueObject | null;
  readonly config: ValueObject | null;
  readonly private: PrivateState;
}

export interface ApplyOutcome {
  readonly state: ValueObject | null;
  readonly private: PrivateState;
  readonly diagnostics: readonly Diagnostic[];
}

/** The life of managed resources, over values: what to plan, which operation an apply means. */
export class Engine<Client> {
  readonly provider: Provider<Client>;
  #client: Client | undefined;

  constructor(provider: Provider<Client>) {
    this.provider = provider;
  }

  resource(type: string): Resource<Client> {
    return member(this.provider.resources, type, 'resource type');
  }

  dataSource(type: string): DataSource<Client> {
    return member(this.provider.dataSources, type, 'data source');
  }

  ephemeral(type: string): EphemeralResource<Client> {
    return member(this.provider.ephemeralResources, type, 'ephemeral resource type');
  }

  listResource(type: string): ListResource<Client> {
    return member(this.provider.listResources, type, 'list resource type');
  }

  action(type: string): Action<Client> {
    return member(this.provider.actions, type, 'action type');
  }

  validateProvider(config: ValueObject): Diagnostic[] {
    const found = validate(this.provider.schema, config);
    return hasError(found) ? found : [...found, ...(this.provider.validate?.(config) ?? [])];
  }

  async configure(config: ValueObject, call: Call): Promise<readonly Diagnostic[]> {
    const { client, diagnostics = [] } = await this.provider.configure(config, call);
    this.#client = client;
    return diagnostics;
  }

  validate(of: Checked, config: ValueObject): Diagnostic[] {
    const found = validate(of.schema, config);
    return hasError(found) ? found : [...found, ...(of.validate?.(config) ?? [])];
  }

  /** Terraform before 1.11 would store what is meant to be sent only. */
  writeOnlyProblems({ schema }: Checked, config: ValueObject): Diagnostic[] {
    return Object.entries(schema.attributes)
      .filter(([name, attribute]) => attribute.writeOnly && (config[name] ?? null) !== null)
      .map(([name]) =>
        error(
          'Write-only attributes need Terraform 1.11',
          `${name} is never stored. Use Terraform 1.11 or later, or leave it out.`,
          [{ name }],
        ),
      );
  }

  async plan(type: string, request: PlanRequest, call: Call): Promise<PlanOutcome> {
    const { prior, proposed, config } = request;
    const resource = this.resource(type);
    const client = this.#configured();
    if (proposed === null || config === null) {
      return { planned: null, replace: [], private: request.private, diagnostics: [] };
    }
    const { planned, replace } = plan(resource.schema, { prior, proposed, config });
    const change = { prior, planned, config, replace };
    const diagnostics = resource.modifyPlan?.(change) ?? [];
    const advice = client && resource.advise ? await resource.advise(client, change, call) : [];
    return { planned, replace, private: request.private, diagnostics: [...diagnostics, ...advice] };
  }

  async apply(type: string, request: ApplyRequest, call: Call): Promise<ApplyOutcome> {
    const { prior, planned } = request;
    const outcome = await this.#applyOperation(type, request, call);
    const diagnostics = [...(outcome.diagnostics ?? [])];
    const state = settle(outcome, prior, planned, diagnostics);
    return { state, private: outcome.private ?? request.private, diagnostics };
  }

  async #applyOperation(type: string, request: ApplyRequest, call: Call): Promise<Outcome> {
    const { prior, planned, private: data } = request;
    const resource = this.resource(type);
    const client = this.#configured();
    if (client === undefined) return { state: prior, diagnostics: [notConfigured()] };
    if (planned === null) {
      if (prior === null) return { state: null };
      const outcome = await resource.delete(client, { state: prior, private: data }, call);
      return hasError(outcome.diagnostics ?? []) ? { state: prior, ...outcome } : { ...outcome, state: null };
    }
    const config = request.config ?? planned;
    if (prior === null) return resource.create(client, { planned, config, private: data }, call);
    return resource.update(client, { prior, planned, config, private: data }, call);
  }

  async read(type: string, state: ValueObject, data: PrivateState, call: Call): Promise<Required<Outcome>> {
    const client = this.#configured();
    if (client === undefined) return { state, private: data, diagnostics: [notConfigured()] };
    const outcome = await this.resource(type).read(client, { state, private: data }, call);
    return {
      state: outcome.state === undefined ? state : outcome.state,
      private: outcome.private ?? data,
      diagnostics: outcome.diagnostics ?? [],
    };
  }

  import(type: string, id: string): Outcome {
    const resource = this.resource(type);
    if (resource.import) return resource.import(id);
    return { diagnostics: [error('Import is not supported', `${type} cannot be imported.`)] };
  }

  /** State as JSON of an older schema version, brought step by step to the present one. */
  upgrade(type: string, version: number, state: JsonObject): JsonObject {
    const resource = this.resource(type);
    let current = state;
    for (let from = version; from < resource.schema.version; from += 1) {
      current = resource.upgrades?.[from]?.(current) ?? current;
    }
    return current;
  }

  move(type: string, source: MoveSource): JsonObject | undefined {
    return this.resource(type).moveFrom?.(source);
  }

  async readData(type: string, config: ValueObject, call: Call): Promise<Outcome> {
    const client = this.#configured();
    if (client === undefined) return { diagnostics: [notConfigured()] };
    return this.dataSource(type).read(client, config, call);
  }

  async open(type: string, config: ValueObject, call: Call): Promise<EphemeralOutcome> {
    const client = this.#configured();
    if (client === undefined) return { diagnostics: [notConfigured()] };
    return this.ephemeral(type).open(client, config, call);
  }

  async renew(type: string, data: PrivateState, call: Call): Promise<EphemeralOutcome> {
    const client = this.#configured();
    const ephemeral = this.ephemeral(type);
    return client === undefined || !ephemeral.renew ? {} : ephemeral.renew(client, data, call);
  }

  async close(type: string, data: PrivateState, call: Call): Promise<readonly Diagnostic[]> {
    const client = this.#configured();
    const ephemeral = this.ephemeral(type);
    return client === undefined || !ephemeral.close ? [] : ephemeral.close(client, data, call);
  }

  async *list(type: string, query: ListQuery, call: Call): AsyncGenerator<Found> {
    const client = this.#configured();
    if (client === undefined) yield { diagnostics: [notConfigured()] };
    else yield* this.listResource(type).list(client, query, call);
  }

  async planAction(type: string, config: ValueObject, call: Call): Promise<readonly Diagnostic[]> {
    const client = this.#configured();
    const action = this.action(type);
    return client === undefined || !action.plan ? [] : action.plan(client, config, call);
  }

  async *invoke(
    type: string,
    config: ValueObject,
    call: Call,
  ): AsyncGenerator<string | readonly Diagnostic[]> {
    const client = this.#configured();
    if (client === undefined) yield [notConfigured()];
    else yield* this.action(type).invoke(client, config, call);
  }

  #configured(): Client | undefined {
    return this.#client;
  }
}

interface Checked {
  readonly schema: Schema;
  validate?(config: ValueObject): Diagnostic[];
}

/** A name that the schema does not have: Terraform and provider disagree about the release. */
export class UnknownTypeError extends Error {}

function member<T>(members: Readonly<Record<string, T>>, name: string, what: string): T {
  const found = Object.hasOwn(members, name) ? members[name] : undefined;
  if (found === undefined) throw new UnknownTypeError(`this provider has no ${what} ${tellName(name)}`);
  return found;
}

function notConfigured(): Diagnostic {
  return error(
    'Provider is not configured',
    'The provider block was refused, or never sent. Mend the error reported for it and run again.',
  );
}

/**
 * The state after an apply. Terraform forbids unknown values in it and holds a provider to every known value
 * of its plan, so planned values win; a computed one that moved meanwhile is seen by the next refresh.
 */
function settle(
  outcome: Outcome,
  prior: ValueObject | null,
  planned: ValueObject | null,
  diagnostics: Diagnostic[],
): ValueObject | null {
  const { state } = outcome;
  if (state === undefined) return prior;
  if (state === null || planned === null) return state;
  if (state === prior && hasError(diagnostics)) return prior;
  const result = object(Object.entries(state));
  for (const [name, value] of Object.entries(planned)) {
    result[name] = honoured(value, state[name] ?? null);
  }
  return result;
}

/** A planned value, its unknown parts filled from what is now known. */
function honoured(planned: Value, actual: Value): Value {
  if (isUnknown(planned)) return known(actual);
  if (isList(planned)) {
    return planned.map((item, index) => honoured(item, isList(actual) ? (actual[index] ?? null) : null));
  }
  if (!isObject(planned)) return planned;
  return object(
    Object.entries(planned).map(([name, item]) => [name, honoured(item, attribute(actual, name))]),
  );
}

function known(value: Value): Value {
  return isUnknown(value) ? null : value;
}
