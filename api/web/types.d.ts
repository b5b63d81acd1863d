/** Types of the API's answers, derived from the OpenAPI document (`make types` generates "openapi"). */
import type { components, paths } from "openapi";

export type Method = "get" | "post" | "patch";

/** The paths that have an operation of this method. */
export type PathOf<M extends Method> = {
  [P in keyof paths]: paths[P][M] extends { responses: unknown } ? P : never;
}[keyof paths] &
  string;

type Success<Responses> = { [S in keyof Responses & (200 | 202)]: Responses[S] }[keyof Responses & (200 | 202)];
type Json<Body> = Body extends { content: { "application/json": infer T } } ? T : never;

/** The JSON answer of an operation. */
export type Answer<M extends Method, P extends keyof paths> = paths[P][M] extends { responses: infer R }
  ? Json<Success<R>>
  : never;

type Params<O> = O extends { parameters: { path: infer T } } ? { [K in keyof T]: string | number } : undefined;
type Query<O> = O extends { parameters: { query?: infer T } } ? { [K in keyof T]?: T[K] | null } : undefined;
type Body<O> = O extends { requestBody?: { content: { "application/json": infer T } } } ? T : undefined;

/** What a request to an operation may carry. */
export interface Options<M extends Method, P extends keyof paths> {
  params?: Params<paths[P][M]>;
  /** null and undefined aren't sent */
  query?: Query<paths[P][M]>;
  body?: Body<paths[P][M]>;
  signal?: AbortSignal;
  /** a request that is repeated with the same key has no second effect; 503 while Redis is away */
  idempotencyKey?: string;
}

export interface AnyOptions {
  params?: Record<string, string | number>;
  query?: Record<string, unknown>;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  idempotencyKey?: string;
}

/** The paths of lists that are read page by page, and an item of one. */
export type ListPath = {
  [P in PathOf<"get">]: Answer<"get", P> extends { items: unknown[]; next?: unknown } ? P : never;
}[PathOf<"get">];
export type Item<P extends keyof paths> = Answer<"get", P> extends { items: (infer T)[] } ? T : never;

export type Batch = Answer<"get", "/v1/batches/{id}">;
export type Caller = Answer<"get", "/v1/me">;
export type Stats = Answer<"get", "/v1/stats">;
export type Workers = Answer<"get", "/v1/workers">;
export type Retraining = Answer<"get", "/v1/retraining">;
export type Job = Answer<"get", "/v1/jobs/{id}">;
export type ListedModel = Item<"/v1/models">;
export type Model = Answer<"get", "/v1/models/{version}">;
export type ListedPrediction = Item<"/v1/predictions">;
export type Prediction = Answer<"get", "/v1/predictions/{id}">;
export type QueueItem = Item<"/v1/review-queue">;
export type Example = Item<"/v1/models/{version}/examples">;
export type Letter = Answer<"get", "/v1/dead-letters/{id}">;
export type Drift = Answer<"get", "/v1/drift">;
export type Spread = components["schemas"]["DriftHistogram"];
export type SchemaFeature = Answer<"get", "/v1/schema">["features"][number];
/** A number, a category's level, a text, or null: missing. */
export type FeatureValue = ListedPrediction["features"][number];
export type WordContribution = components["schemas"]["WordContribution"];
export interface NamedValue {
  feature: string;
  value: FeatureValue;
  /** of a text, what its words add, if that is known and not hidden */
  words?: WordContribution[] | null;
}
/** A record's values: in the order of the features, or by name. */
export type Features = FeatureValue[] | Record<string, FeatureValue>;
export type Statement = Item<"/v1/predictions/{id}/feedback">;

/** Every fact of these is optional: older versions, and other senders of commands, write others. */
export type Metrics = NonNullable<Job["metrics"]>;
export type TrainingMetrics = Model["metrics"];
export type Gate = NonNullable<Metrics["gate"]>;
export type TrainedOn = NonNullable<Metrics["trained_on"]>;
export type Reason = Job["reason"];

/** The data of each type of live event. */
export interface EventData {
  batch: components["schemas"]["BatchEvent"];
  correction: components["schemas"]["CorrectionEvent"];
  job: components["schemas"]["JobEvent"];
  model: components["schemas"]["ModelEvent"];
  worker: components["schemas"]["WorkerEvent"];
  reset: components["schemas"]["ResetEvent"];
}
export type EventType = keyof EventData;
