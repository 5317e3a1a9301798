import type { Diagnostic } from './diagnostic.ts';
import type { IdentitySchema } from './identity.ts';
import type { Path } from './path.ts';
import type { Schema } from './schema.ts';
import type { Type } from './type.ts';
import type { Value, ValueObject } from './value.ts';

/**
 * What a provider is to this layer. `Client` is whatever `configure` makes; the layer only hands it on.
 * Operations answer with values; what they throw is a bug and becomes a diagnostic that says so.
 */
export interface Provider<Client> {
  readonly schema: Schema;
  readonly resources: Readonly<Record<string, Resource<Client>>>;
  readonly dataSources: Readonly<Record<string, DataSource<Client>>>;
  readonly ephemeralResources: Readonly<Record<string, EphemeralResource<Client>>>;
  readonly functions: Readonly<Record<string, ProviderFunction>>;
  /** By the type of managed resource that they find (Terraform 1.14). */
  readonly listResources: Readonly<Record<string, ListResource<Client>>>;
  /** Things to do that are no object (Terraform 1.14). */
  readonly actions: Readonly<Record<string, Action<Client>>>;
  validate?(config: ValueObject): Diagnostic[];
  /** Config may hold unknown values during plan: then the client must cope or say so when it is used. */
  configure(config: ValueObject, call: Call): Promise<Configured<Client>>;
}

export interface Configured<Client> {
  readonly client?: Client;
  readonly diagnostics?: readonly Diagnostic[];
}

/** What every operation gets. */
export interface Call {
  /** Aborted by Ctrl-C and when Terraform goes away. */
  readonly signal: AbortSignal;
  readonly log: Log;
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';
export type Log = (level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>) => void;

/** Kept beside the state, in clear: never a secret. */
export type PrivateState = Readonly<Record<string, string | number | boolean>>;

export interface Resource<Client> {
  readonly schema: Schema;
  readonly identity?: IdentitySchema;
  validate?(config: ValueObject): Diagnostic[];
  /** A last word on the plan; must not contact anything. */
  modifyPlan?(request: ModifyPlanRequest): readonly Diagnostic[];
  /**
   * What the plan would meet, looked up where that costs little: warnings only, and none where nobody can be asked.
   * The plan is the same with and without.
   */
  advise?(client: Client, request: ModifyPlanRequest, call: Call): Promise<readonly Diagnostic[]>;
  create(client: Client, request: CreateRequest, call: Call): Promise<Outcome>;
  read(client: Client, request: ReadRequest, call: Call): Promise<Outcome>;
  update(client: Client, request: UpdateRequest, call: Call): Promise<Outcome>;
  delete(client: Client, request: ReadRequest, call: Call): Promise<Outcome>;
  /** The state that a first read completes, from the id that the user typed. */
  import?(id: string): Outcome;
  /** Steps from an older schema version to the next, over the state as JSON. */
  readonly upgrades?: Readonly<Record<number, (state: JsonObject) => JsonObject>>;
  /** State of another resource type, as `moved` blocks bring it; undefined: not one that we know. */
  moveFrom?(source: MoveSource): JsonObject | undefined;
}

export interface ModifyPlanRequest {
  readonly prior: ValueObject | null;
  readonly planned: ValueObject;
  readonly config: ValueObject;
  /** Attributes whose change needs a new object: then another plan follows, without a prior state. */
  readonly replace: readonly Path[];
}

export interface CreateRequest {
  readonly planned: ValueObject;
  readonly config: ValueObject;
  readonly private: PrivateState;
}

export interface UpdateRequest extends CreateRequest {
  readonly prior: ValueObject;
}

export interface ReadRequest {
  readonly state: ValueObject;
  readonly private: PrivateState;
}

/** `state` null means that the object is gone; left out, that it stays as it was. */
export interface Outcome {
  readonly state?: ValueObject | null;
  readonly private?: PrivateState;
  readonly diagnostics?: readonly Diagnostic[];
}

export interface MoveSource {
  readonly provider: string;
  readonly type: string;
  readonly schemaVersion: number;
  readonly state: JsonObject;
}

export interface JsonObject {
  [name: string]: unknown;
}

export interface DataSource<Client> {
  readonly schema: Schema;
  validate?(config: ValueObject): Diagnostic[];
  read(client: Client, config: ValueObject, call: Call): Promise<Outcome>;
}

export interface EphemeralResource<Client> {
  readonly schema: Schema;
  validate?(config: ValueObject): Diagnostic[];
  open(client: Client, config: ValueObject, call: Call): Promise<EphemeralOutcome>;
  renew?(client: Client, data: PrivateState, call: Call): Promise<EphemeralOutcome>;
  close?(client: Client, data: PrivateState, call: Call): Promise<readonly Diagnostic[]>;
}

export interface EphemeralOutcome {
  readonly result?: ValueObject;
  readonly renewAtMs?: number;
  readonly private?: PrivateState;
  readonly diagnostics?: readonly Diagnostic[];
}

export interface ListResource<Client> {
  /** Schema of the query; what is found has the schema of the managed resource. */
  readonly schema: Schema;
  validate?(config: ValueObject): Diagnostic[];
  list(client: Client, query: ListQuery, call: Call): AsyncIterable<Found>;
}

export interface ListQuery {
  readonly config: ValueObject;
  readonly limit: number;
}

/** One object, or why the search ended. */
export type Found =
  | { readonly displayName: string; readonly state: ValueObject }
  | { readonly diagnostics: readonly Diagnostic[] };

export interface Action<Client> {
  readonly schema: Schema;
  validate?(config: ValueObject): Diagnostic[];
  /** What an invocation would meet, as far as that can be known now; must not change anything. */
  plan?(client: Client, config: ValueObject, call: Call): Promise<readonly Diagnostic[]>;
  /** Words in between are shown to the user; diagnostics end it. */
  invoke(client: Client, config: ValueObject, call: Call): AsyncIterable<string | readonly Diagnostic[]>;
}

export interface ProviderFunction {
  readonly summary: string;
  readonly description: string;
  readonly parameters: readonly Parameter[];
  readonly variadic?: Parameter;
  readonly returns: Type;
  call(args: readonly Value[]): FunctionOutcome;
}

export interface Parameter {
  readonly name: string;
  readonly type: Type;
  readonly description: string;
  readonly allowNull?: boolean;
}

export type FunctionOutcome =
  { readonly result: Value } | { readonly error: string; readonly argument?: number };
