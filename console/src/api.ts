// What the admin API takes and answers, and the one way to ask it. Texts that come
// from IM servers and backends are in here as they came: show them with <Shown> only.

/** What an error of the API says. */
export interface Problem {
  key?: string;
  line?: number;
  column?: number;
  message: string;
}

/** A refusal of the API, or that it could not be reached (status 0). */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly problems: Problem[] = [],
    readonly at: { when?: string; line?: number; column?: number } = {},
  ) {
    super(message);
  }
}

type Params = Record<string, string | number | boolean | undefined>;

export function address(path: string, params: Params = {}): string {
  const q = new URLSearchParams();
  for (const [k, v] of Object.entries(params)) if (v !== undefined && v !== "") q.append(k, String(v));
  const text = q.toString();
  return "/api/v1" + path + (text ? "?" + text : "");
}

/** Whoever wants to know that the session ended. */
export const onUnauthorized = new Set<() => void>();

// Integers that a number of this language does not hold are kept as they were written.
type Written = { source?: string };
const exact = JSON as unknown as { rawJSON?: (s: string) => unknown; parse(s: string, f: (k: string, v: unknown, c?: Written) => unknown): unknown };

export function parseJSON(text: string): unknown {
  if (!/\d{16}/.test(text) || !exact.rawJSON) return JSON.parse(text);
  return exact.parse(text, (_k, v, c) =>
    typeof v === "number" && !Number.isSafeInteger(v) && c?.source && /^-?\d+$/.test(c.source) ? exact.rawJSON!(c.source) : v,
  );
}

export async function ask<T>(method: string, path: string, opts: { params?: Params; body?: unknown; yaml?: string; signal?: AbortSignal } = {}): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  let body: string | undefined;
  if (opts.yaml !== undefined) {
    headers["Content-Type"] = "application/yaml";
    body = opts.yaml;
  } else if (method !== "GET") {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(opts.body ?? {});
  }
  let res: Response;
  let text: string;
  try {
    res = await fetch(address(path, opts.params), { method, headers, body, signal: opts.signal, credentials: "same-origin" });
    text = await res.text();
  } catch (e) {
    if (opts.signal?.aborted) throw e;
    throw new Refused(0, "the gateway cannot be reached");
  }
  let value: unknown;
  try {
    value = text === "" ? {} : parseJSON(text);
  } catch {
    throw new Refused(res.status, res.ok ? "the answer is no JSON" : `${res.status}: ${text.slice(0, 300)}`);
  }
  if (!res.ok) {
    const no = value as { error?: { message?: string; when?: string; line?: number; column?: number }; problems?: Problem[] };
    if (res.status === 401 && path !== "/login") for (const f of onUnauthorized) f();
    throw new Refused(res.status, no.error?.message ?? `${res.status}`, no.problems ?? [], no.error ?? {});
  }
  return value as T;
}

export const get = <T>(path: string, params?: Params, signal?: AbortSignal) => ask<T>("GET", path, { params, signal });
export const post = <T>(path: string, body?: unknown, params?: Params) => ask<T>("POST", path, { body, params });
export const enc = encodeURIComponent;

// ---- Who asks

export type Role = "viewer" | "operator" | "admin";

export interface Me {
  name: string;
  role: Role;
  by: "token" | "session" | "machine";
  expires?: string;
  version?: string;
  sandbox?: boolean;
  history: string;
}

export interface Token {
  id: string;
  name: string;
  role: Role;
  createdAt: string;
  createdBy?: string;
  expires?: string;
  expired?: boolean;
  lastUsed?: string;
  token?: string;
}

export interface AuditEntry {
  at: string;
  who: string;
  role?: string;
  from?: string;
  what: string;
  target?: string;
  detail?: string;
  refused?: string;
  before?: string;
  after?: string;
}

// ---- What there is

export interface Secret {
  key: string;
  place: number;
  from?: string;
  until?: string;
  state: string;
  lastUsed?: string;
}

export interface Command {
  name: string;
  phase: "before" | "after";
  path?: string;
  line?: string;
}

export interface Source {
  app: string;
  name: string;
  dialect: string;
  path: string;
  generation?: string;
  credentials?: Record<string, string>;
  secrets?: Secret[];
  allowFrom?: string[];
  maxAgeSeconds?: number;
  acceptUnsigned?: string[];
  commands: Command[];
}

export interface Hook {
  app: string;
  name: string;
  state: "asked" | "shadow" | "open" | "disabled";
  builtin?: string;
  dialect?: string;
  timeout: string;
  failure?: string;
  asking: number;
  words?: number;
  trouble?: string;
  secrets?: Secret[];
}

export interface Endpoint {
  app: string;
  name: string;
  state: string;
  paused?: string;
  pausedUntil?: string;
  breaker?: string;
  probeAt?: string;
  ramp?: { limit: number; of: number };
  pausedConversations?: { conversation: string; why: string; until?: string; backlog: number }[];
  blockedConversations?: { conversation: string; since?: string; reason?: string; detail?: string; attempts: number; backlog: number }[];
  blocked?: number;
  backlog: number;
  more?: boolean;
  behind?: number;
  ahead?: number;
  inFlight: number;
  waiting: number;
  delivered: number;
  parked: number;
  deliveredPerSecond?: number;
  bytesInFlight?: number;
  oldestAt?: string;
  oldestAgeSeconds?: number;
  forgetAt?: string;
  lastError?: string;
  secrets?: Secret[];
}

export interface Status {
  version?: string;
  config: { followed: boolean; refused?: string; at?: string };
  journal: {
    trouble?: string;
    bytes: number;
    unfinishedBytes: number;
    retainBytes: number;
    whenFull: string;
    diskFreeBytes?: number;
    diskReserveBytes?: number;
    failures: number;
    refused: number;
    droppedEvents: number;
    unreadablePages: number;
    lostPages: number;
    lostEvents: number;
    losses?: string[];
  };
}

// ---- Live

export interface LiveSource {
  app: string;
  name: string;
  dialect: string;
  generation?: string;
  per_second: number;
  refused_per_second: number;
  last_at?: string;
  problem?: string;
}

export interface LiveHook {
  app: string;
  name: string;
  kind: string;
  per_second: number;
  allowed: number;
  denied: number;
  failed: number;
  breaker?: string;
  p99_ms?: number;
  problem?: string;
}

export interface LiveEndpoint {
  app: string;
  name: string;
  dialect?: string;
  state: string;
  per_second: number;
  failed_per_second: number;
  backlog: number;
  more?: boolean;
  oldest_age_s?: number;
  in_flight: number;
  ramp?: number;
  ramp_of?: number;
  breaker?: string;
  paused?: string;
  dead_letters?: number;
  problem?: string;
}

export interface Overview {
  at: string;
  version?: string;
  sources: LiveSource[];
  hooks: LiveHook[];
  endpoints: LiveEndpoint[];
  history?: { state: string; lag_s?: number };
  problems?: string[];
}

// ---- Events

/** An event in its JSON form, a CloudEvent. */
export interface CloudEvent {
  id: string;
  source: string;
  type: string;
  time?: string;
  subject?: string;
  imphase: "before" | "after";
  imdialect?: string;
  imgeneration?: string;
  imcommand?: string;
  imlink?: string;
  data?: {
    actor?: { id?: string; name?: string };
    message?: { id?: string; kind?: string; text?: string };
    conversation?: { kind?: string; id?: string };
    [more: string]: unknown;
  };
  [more: string]: unknown;
}

export interface Raw {
  dialect: string;
  path?: string;
  query?: string;
  contentType?: string;
  body: string;
}

export interface Exchange {
  url: string;
  request?: string;
  status?: number;
  head?: string;
  response?: string;
  error?: string;
}

export interface Attempt {
  event: string;
  app: string;
  source: string;
  type: string;
  conversation?: string;
  dialect?: string;
  command?: string;
  endpoint: string;
  attempt: number;
  at: string;
  tookSeconds: number;
  outcome: string;
  reason?: string;
  status?: number;
  detail?: string;
  retryAfter?: number;
  repeat?: string;
  exchange?: Exchange;
}

export interface Difference {
  path: string;
  before?: unknown;
  after?: unknown;
}

export interface Decision {
  event: CloudEvent;
  links?: string[];
  at: string;
  tookSeconds: number;
  verdict: string;
  code?: number;
  reason?: string;
  by?: string;
  cause: string;
  hooks?: {
    hook: string;
    verdict: string;
    code?: number;
    reason?: string;
    cause: string;
    error?: string;
    detail?: string;
    status?: number;
    tookSeconds: number;
    shadow?: boolean;
    instead?: string;
    why?: string;
    changes?: Difference[];
  }[];
  changes?: Difference[];
  cut?: boolean;
}

export interface FoundEnd {
  endpoint: string;
  outcome: string;
  at?: string;
  seconds?: number;
  attempts?: number;
  failed?: number;
  reason?: string;
  due?: string;
  deadletter?: string;
  repeat?: string;
}

export interface FoundEvent {
  id: string;
  time: string;
  kept?: string;
  phase: "before" | "after";
  type: string;
  app: string;
  source: string;
  dialect?: string;
  command?: string;
  actor?: string;
  conversation?: string;
  message_id?: string;
  link?: string;
  outcome?: string;
  endpoints?: FoundEnd[];
}

export interface Step {
  at?: string;
  kind: string;
  event?: string;
  endpoint?: string;
  number?: number;
  seconds?: number;
  outcome?: string;
  reason?: string;
  status?: number;
  deadletter?: string;
  due?: string;
  repeat?: string;
  words?: string;
  attempt?: Attempt;
  decision?: Decision;
}

export interface Timeline {
  found?: FoundEvent;
  event?: CloudEvent;
  raw?: Raw;
  gone?: string;
  steps: Step[];
  others?: FoundEvent[];
  lag: number;
  words?: string;
}

export interface SearchAnswer {
  events: FoundEvent[];
  next?: string;
  lag?: number;
  words?: string;
}

export interface ShownEvent {
  event: CloudEvent;
  stored: string;
  raw?: Raw;
  decisions?: Decision[];
  attempts?: Attempt[];
}

/** im.message.send is message.send everywhere but in CloudEvents. */
export const plainType = (t: string) => t.replace(/^im\./, "");

/** The app and source that a CloudEvent's source names. */
export function placeOf(ev: CloudEvent): { app: string; source: string } {
  const m = /^\/apps\/([^/]*)\/sources\/([^/]*)/.exec(ev.source);
  return { app: m ? decodeURIComponent(m[1]!) : "", source: m ? decodeURIComponent(m[2]!) : ev.source };
}

/** An event of the journal as a search shows it. */
export function foundOf(ev: CloudEvent, kept?: string): FoundEvent {
  return {
    id: ev.id, time: ev.time ?? "", kept, phase: ev.imphase, type: plainType(ev.type), ...placeOf(ev), dialect: ev.imdialect, command: ev.imcommand,
    actor: ev.data?.actor?.id, conversation: ev.subject, message_id: ev.data?.message?.id, link: ev.imlink,
  };
}

/**
 * What happened to an event: told by the history, or put together of what journal,
 * trail and attempts say where the gateway has no timeline.
 */
export async function timeline(id: string, signal?: AbortSignal): Promise<Timeline> {
  try {
    return await get<Timeline>(`/events/${enc(id)}/timeline`, {}, signal);
  } catch (e) {
    if (!(e instanceof Refused) || (e.status !== 404 && e.status !== 503)) throw e;
    if (/there is no event/.test(e.message)) throw e;
  }
  const s = await get<ShownEvent>(`/events/${enc(id)}`, {}, signal);
  const steps: Step[] = [];
  for (const d of s.decisions ?? []) {
    steps.push({ at: d.at, kind: "received", event: d.event.id });
    steps.push({ at: new Date(Date.parse(d.at) + d.tookSeconds * 1000).toISOString(), kind: "decided", event: d.event.id, seconds: d.tookSeconds, decision: d });
  }
  steps.push({ at: s.stored, kind: "kept", event: s.event.id });
  for (const a of s.attempts ?? [])
    steps.push({
      at: a.at, kind: a.outcome === "delivered" ? "delivered" : "attempt", event: a.event, endpoint: a.endpoint, number: a.attempt,
      seconds: a.tookSeconds, outcome: a.outcome, reason: a.reason, status: a.status, repeat: a.repeat, attempt: a,
    });
  steps.sort((x, y) => Date.parse(x.at ?? "") - Date.parse(y.at ?? ""));
  return { event: s.event, raw: s.raw, steps, lag: 0 };
}

// ---- Dead letters and runs

export interface Letter {
  id: string;
  endpoint: string;
  pos: string;
  event?: CloudEvent;
  reason: string;
  detail?: string;
  attempts: number;
  firstAt?: string;
  at: string;
  repeat?: string;
  exchange?: Exchange;
  raw?: Raw;
}

export interface LetterGroup {
  endpoint: string;
  reason: string;
  letters: number;
  oldest: string;
  newest: string;
}

export interface Run {
  id: string;
  kind: "requeued" | "replayed";
  endpoint: string;
  to?: string;
  types?: string[];
  conversation?: string;
  since?: string;
  until?: string;
  reasons?: string[];
  rate?: number;
  createdAt?: string;
  state: "queued" | "running" | "done" | "cancelled" | "failed";
  note?: string;
  selected: number;
  delivered: number;
  parked: number;
  open: number;
  at?: string;
  endedAt?: string;
}

export interface Replayed {
  dryRun?: boolean;
  run: Run;
  count?: { selected: number; picked: number; sent: number; atLeast?: boolean; begin?: string; trimmedEvents?: number };
  note?: string;
}

// ---- Rules

export interface RuleTested {
  rule: { endpoint?: string; app?: string; events?: string[]; sources?: string[]; when?: string };
  tested: number;
  matched: number;
  events: {
    id: string;
    type: string;
    source: string;
    lane?: string;
    time?: string;
    matched: boolean;
    failed?: string;
    why: string;
    pattern?: string;
    parts?: { text: string; value: string; where?: string }[];
    unread?: string;
  }[];
}

// ---- Trigger

export interface Sent {
  method: string;
  path: string;
  query?: string;
  contentType?: string;
  header?: Record<string, string[]>;
  body: string;
}

export interface Triggered {
  exchanges: { type?: string; missing?: string; request: Sent; response: { status: number; contentType?: string; body: string } }[];
  seed: unknown;
}

// ---- Definitions

export type Section = "sources" | "hooks" | "endpoints";

export interface Definition {
  app: string;
  name: string;
  origin: "api" | "file" | "sandbox";
  yaml?: string;
  createdAt?: string;
  createdBy?: string;
  changedAt?: string;
  changedBy?: string;
  problems?: Problem[];
  warnings?: Problem[];
  settings: { key: string; value: string; secret?: boolean; default?: boolean }[];
}

export interface Defined {
  dry_run?: boolean;
  yaml?: string;
  before?: string;
  problems: Problem[];
  warnings?: Problem[];
  changes?: { text: string; restart?: boolean }[];
  effects?: { endpoint: string; text: string; events: number; atLeast?: boolean }[];
  secret?: string;
}

// ---- Charts

export interface Charts {
  span: string;
  step_s: number;
  from: string;
  series: { metric: string; labels: Record<string, string>; points: (number | null)[] }[];
  reasons: { reason: string; count: number }[];
}

export interface Account {
  kind: string;
  app: string;
  name: string;
  removed?: boolean;
  in: { name: string; events: number }[];
  out: { name: string; events: number }[];
  difference: number;
  words?: string;
}
