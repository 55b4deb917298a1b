import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { Link, useLocation, useSearch } from "wouter";
import { enc, get, plainType, post, Refused, timeline, type CloudEvent, type Decision, type Endpoint, type Sent, type Source, type Timeline as Told, type Triggered } from "../api";
import { useWords } from "../i18n";
import { DecisionMore, Timeline } from "../parts/steps";
import { Body, seen, Shown } from "../parts/text";
import { Act, Badge, Card, Choice, Empty, ErrorNote, Field, Loading, Note, Page, useDo } from "../parts/ui";

const stories = [
  { value: "@login", text: "a user comes online, writes to a friend, recalls a message and goes offline" },
  { value: "@group", text: "a group's life, from made to dissolved" },
  { value: "@chatroom", text: "a chatroom's life" },
  { value: "@conference", text: "a conference's life" },
];

/** One value of a sample that can be edited. */
interface Leaf {
  path: string;
  label: string;
  value: string;
  /** A text stays one, whatever is written into it. */
  text: boolean;
  /** Where it is inside of a text that is JSON itself. */
  inner?: string[];
}

const key = (k: string) => k.replace(/[\\.]/g, "\\$&");

function leaves(req: Sent): Leaf[] {
  const out: Leaf[] = [];
  for (const [k, v] of new URLSearchParams(req.query ?? "")) out.push({ path: "query." + k, label: "?" + k, value: v, text: false });
  if (/x-www-form-urlencoded/i.test(req.contentType ?? "")) {
    for (const [k, v] of new URLSearchParams(req.body)) out.push({ path: k, label: k, value: v, text: false });
    return out;
  }
  let body: unknown;
  try {
    body = JSON.parse(req.body);
  } catch {
    return out;
  }
  const walk = (v: unknown, path: string, label: string, depth: number) => {
    if (out.length > 80) return;
    if (v !== null && typeof v === "object" && depth < 4) {
      for (const [k, x] of Object.entries(v)) walk(x, path ? `${path}.${key(k)}` : key(k), label ? `${label}.${k}` : k, depth + 1);
      return;
    }
    if (typeof v === "string" && /^\s*\{/.test(v)) {
      try {
        const inside = JSON.parse(v) as Record<string, unknown>;
        for (const [k, x] of Object.entries(inside)) if (x === null || typeof x !== "object") out.push({ path, label: `${label} › ${k}`, value: String(x), text: typeof x === "string", inner: [k] });
        return;
      } catch {
        // A text like any other.
      }
    }
    out.push({ path, label, value: typeof v === "string" ? v : JSON.stringify(v), text: typeof v === "string" });
  };
  walk(body, "", "", 0);
  return out;
}

function sampleString(req: Sent, path: string): string {
  let v: unknown = JSON.parse(req.body);
  for (const p of path.split(/(?<!\\)\./)) v = (v as Record<string, unknown>)?.[p.replace(/\\(.)/g, "$1")];
  return String(v);
}

function edits(req: Sent, all: Leaf[], changed: Record<string, string>): Record<string, unknown> {
  const set: Record<string, unknown> = {};
  const inside: Record<string, Record<string, unknown>> = {};
  for (const [i, v] of Object.entries(changed)) {
    const l = all[Number(i)];
    if (!l || v === l.value) continue;
    if (l.inner) {
      const o = (inside[l.path] ??= JSON.parse(sampleString(req, l.path)) as Record<string, unknown>);
      o[l.inner[0]!] = l.text ? v : JSON.parse(/^(-?\d+(\.\d+)?|true|false|null)$/.test(v) ? v : JSON.stringify(v));
    } else set[l.path] = l.text ? JSON.stringify(v) : v;
  }
  for (const [path, o] of Object.entries(inside)) set[path] = JSON.stringify(JSON.stringify(o));
  return set;
}

/** The first minute of a new user: send what an IM server would, and see what becomes of it. */
export function SendPage() {
  const { t } = useWords();
  const [, go] = useLocation();
  const params = new URLSearchParams(useSearch());
  const sources = useQuery({ queryKey: ["sources"], queryFn: ({ signal }) => get<{ sources: Source[] }>("/sources", {}, signal) });
  const all = sources.data?.sources ?? [];
  const source = all.find((s) => s.name === params.get("source")) ?? all.find((s) => s.dialect === "openim") ?? all[0];
  const command =
    params.get("command") ??
    (source?.commands.find((c) => c.name === "callbackAfterSendSingleMsgCommand") ?? source?.commands.find((c) => c.phase === "after" && /msg|message/i.test(c.name)) ?? source?.commands[0])?.name ??
    "";
  const story = command.startsWith("@");
  const [seed, setSeed] = useState(() => (/^\d{1,15}$/.test(params.get("seed") ?? "") ? Number(params.get("seed")) : Math.floor(Math.random() * 2 ** 40)));
  const [changed, setChanged] = useState<Record<string, string>>({});
  const [sentAs, setSentAs] = useState<Sending>();
  const { busy, error, run, clear } = useDo();
  const sample = useQuery({
    queryKey: ["sample", source?.name, command, seed],
    enabled: Boolean(source) && !story && command !== "",
    staleTime: Infinity,
    retry: false,
    queryFn: ({ signal }) => get<{ request: Sent; unsigned?: string }>(`/samples/${enc(source!.name)}`, { command, seed }, signal),
  });
  const form = useMemo(() => (sample.data ? leaves(sample.data.request) : []), [sample.data]);
  useEffect(() => setChanged({}), [source?.name, command, seed]);
  const to = (s: string, c?: string) => {
    clear();
    go("/send?" + new URLSearchParams({ source: s, ...(c ? { command: c } : {}) }).toString(), { replace: true });
  };
  const send = () =>
    run(
      async (): Promise<Sending> => {
        const [events, decisions] = await Promise.all([
          get<{ newest: string }>("/events", { limit: 1 }),
          get<{ newest: string }>("/decisions", { limit: 1 }).catch(() => ({ newest: "" })),
        ]);
        const want = story ? { sequence: command.slice(1), seed } : { command, seed, set: sample.data ? edits(sample.data.request, form, changed) : {} };
        const answer = await post<Triggered>(`/sources/${enc(source!.name)}/trigger`, want);
        return { source: source!, answer, after: events.newest, afterDecisions: decisions.newest, at: Date.now() };
      },
      (s) => {
        setSentAs(s);
        // The next one is another message; what was edited stays to be seen until then.
      },
    );
  const again = () => {
    setSentAs(undefined);
    setSeed(Math.floor(Math.random() * 2 ** 40));
  };
  if (sources.isPending) return <Page title={t("Send a test callback")}><Loading /></Page>;
  return (
    <Page title={t("Send a test callback")} wide>
      <ErrorNote error={sources.error} retry={() => void sources.refetch()} />
      {!source && !sources.error && (
        <Card>
          <Empty title={t("Nobody calls yet")}>
            <Link href="/sources/new">{t("Define a source")}</Link>
          </Empty>
        </Card>
      )}
      {source && (
        <div className="columns side">
          <div className="fields">
            <Card>
              <form
                className="fields"
                onSubmit={(e) => {
                  e.preventDefault();
                  send();
                }}
              >
                <div className="fields two">
                  <Choice label={t("Source")} value={source.name} set={(v) => to(v)} options={all.map((s) => ({ value: s.name, text: s.name === s.dialect ? s.name : `${s.name} (${s.dialect})` }))} />
                  <Choice
                    label={t("Command")}
                    value={command}
                    set={(v) => to(source.name, v)}
                    options={[
                      ...source.commands.filter((c) => c.phase === "before").map((c) => ({ value: c.name, text: c.name, group: t("before: asks for a verdict") })),
                      ...source.commands.filter((c) => c.phase === "after").map((c) => ({ value: c.name, text: c.name, group: t("after: tells what happened") })),
                      ...stories.map((s) => ({ value: s.value, text: `${s.value.slice(1)}: ${t(s.text)}`, group: t("stories of several callbacks") })),
                    ]}
                  />
                </div>
                {!story && source.commands.find((c) => c.name === command)?.line && <p className="hint">{source.commands.find((c) => c.name === command)!.line}</p>}
                {!story && sample.isPending && <Loading />}
                {!story && sample.error ? (
                  sample.error instanceof Refused && sample.error.status === 404 ? <Note>{t("Values are drawn at random; this gateway does not show them beforehand.")}</Note> : <ErrorNote error={sample.error} />
                ) : null}
                {sample.data?.unsigned && <Note kind="warn">{t("It cannot be signed, so the source will refuse it: {why}", { why: sample.data.unsigned })}</Note>}
                {!story && form.length > 0 && (
                  <fieldset className="sample">
                    <legend>{t("Fields")}</legend>
                    <div className="sample-fields">
                      {form.map((l, i) => (
                        <Field key={i} label={l.label}>
                          {(id) => <input id={id} className="mono" value={changed[i] ?? l.value} spellCheck={false} autoComplete="off" onChange={(e) => setChanged({ ...changed, [i]: e.target.value })} />}
                        </Field>
                      ))}
                    </div>
                  </fieldset>
                )}
                <ErrorNote error={error} />
                <div className="form-actions stay">
                  {sentAs ? (
                    <button type="button" className="button" onClick={again}>
                      {t("Another message")}
                    </button>
                  ) : (
                    !story && (
                      <button type="button" className="button" onClick={again}>
                        {t("Draw other values")}
                      </button>
                    )
                  )}
                  <Act type="submit" kind="primary" icon="send" busy={busy}>
                    {sentAs ? t("Send the same again") : t("Send")}
                  </Act>
                </div>
              </form>
            </Card>
          </div>
          <div className="stay-top">{sentAs ? <Story key={sentAs.at} s={sentAs} /> : <What />}</div>
        </div>
      )}
    </Page>
  );
}

function What() {
  const { t } = useWords();
  return (
    <Card>
      <Empty icon="send" title={t("What becomes of it appears here")}>
        {t("The gateway calls itself as the IM server would, signed, through the same door. Request, verification, event, decision and deliveries appear one after another.")}
      </Empty>
    </Card>
  );
}

interface Sending {
  source: Source;
  answer: Triggered;
  after: string;
  afterDecisions: string;
  at: number;
}

const settled = new Set(["delivered", "left out", "parked", "expired", "finished", "unpicked", "removed"]);
const patience = 20_000;

/** What became of what was sent, as it becomes known. */
function Story({ s }: { s: Sending }) {
  const { t } = useWords();
  const client = useQueryClient();
  const first = s.answer.exchanges.find((x) => !x.missing);
  const ok = first !== undefined && first.response.status < 300;
  const before = /before|pre_send|pre-hook/i.test(first?.request.path ?? "") || s.source.commands.some((c) => c.phase === "before" && c.path !== undefined && first?.request.path.endsWith(c.path));
  const [decision, setDecision] = useState<Decision>();
  const [told, setTold] = useState<Told>();
  const [event, setEvent] = useState<CloudEvent>();
  const [waiting, setWaiting] = useState(true);
  const [picks, setPicks] = useState<string[]>();
  const over = useRef(false);

  useEffect(() => {
    over.current = false;
    const stop = new AbortController();
    const body = first?.request.body ?? "";
    const look = async () => {
      let id: string | undefined;
      for (let wait = 120; !over.current && Date.now() - s.at < patience; wait = Math.min(1000, wait * 1.5)) {
        try {
          if (s.afterDecisions) {
            const d = await get<{ decisions: Decision[] }>("/decisions", { source: s.source.name, after: s.afterDecisions, limit: 20 }, stop.signal);
            const mine = d.decisions.find((x) => x.links?.some((l) => body.includes(l.slice(l.indexOf(":") + 1))) || body.includes((x.event.subject ?? "").split(":")[1] ?? "\0"));
            if (mine && !over.current) {
              setDecision(mine);
              if (before) return setWaiting(false);
            }
          }
          if (!id) {
            const e = await get<{ events: CloudEvent[] }>("/events", { source: s.source.name, after: s.after, limit: 50 }, stop.signal);
            const all = [...e.events].reverse();
            const mine = s.answer.exchanges.length > 1 ? all[0] : (all.length === 1 ? all[0] : await byBody(all, body, stop.signal));
            if (mine && !over.current) {
              id = mine.id;
              setEvent(mine);
              void picked(mine, stop.signal).then((p) => !over.current && setPicks(p));
            }
          }
          if (id) {
            const d = await timeline(id, stop.signal);
            if (over.current) return;
            setTold(d);
            const ends = d.found?.endpoints;
            if (ends && ends.length > 0 && ends.every((e) => settled.has(e.outcome))) return setWaiting(false);
            if (d.found?.outcome === "unpicked") return setWaiting(false);
          }
        } catch (e) {
          if (stop.signal.aborted) return;
          if (e instanceof Refused && e.status === 401) return;
        }
        await new Promise((f) => setTimeout(f, wait));
      }
      if (!over.current) setWaiting(false);
    };
    if (ok) void look().finally(() => client.invalidateQueries({ queryKey: ["endpoints"] }));
    else setWaiting(false);
    return () => {
      over.current = true;
      stop.abort();
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [s]);

  const ends = told?.steps.filter((x) => x.endpoint) ?? [];
  return (
    <ol className="story" aria-live="polite" aria-busy={waiting}>
      {s.answer.exchanges.length === 1 && first && (
        <li>
          <h3>{t("Request")}</h3>
          <p className="small mono">
            {first.request.method} <Shown text={first.request.path + (first.request.query ? "?" + first.request.query : "")} most={300} />
          </p>
          <details>
            <summary>{t("Body")}</summary>
            <Body text={first.request.body} name="request" />
          </details>
        </li>
      )}
      {s.answer.exchanges.length > 1 && (
        <li>
          <h3>{t("{n} callbacks", { n: s.answer.exchanges.length })}</h3>
          <ul className="fields">
            {s.answer.exchanges.map((x, i) => (
              <li key={i}>
                <Badge word={x.missing ? "left out" : String(x.response.status)} tone={x.missing ? "plain" : x.response.status < 300 ? "good" : "bad"} />{" "}
                <Shown text={x.type ?? ""} /> <span className="faint small">{x.missing ? seen(x.missing) : <Shown text={x.request.path} most={120} />}</span>
              </li>
            ))}
          </ul>
        </li>
      )}
      {first && (
        <li className={ok ? "" : "bad"}>
          <h3>
            {ok ? t("Verified, and answered") : t("Refused")} <Badge word={String(first.response.status)} tone={ok ? "good" : "bad"} />
          </h3>
          {s.source.secrets?.length ? <p className="small faint">{ok ? t("The signature is right.") : ""}</p> : <p className="small faint">{t("This source has no secret: nothing is signed.")}</p>}
          <Body text={first.response.body} name="answer" label={t("Answer to the IM server")} />
        </li>
      )}
      {(event || decision) && (
        <li>
          <h3>
            {t("The event")} <Shown text={plainType((event ?? decision!.event).type)} />
          </h3>
          <details>
            <summary>{t("As imhook reads it")}</summary>
            <Body text={JSON.stringify(event ?? decision!.event)} name="event" />
          </details>
          {event && (
            <p className="small">
              <Link href={`/events/${enc(event.id)}`}>{t("Open the event")}</Link>
            </p>
          )}
        </li>
      )}
      {decision && (
        <li>
          <h3>
            {t("The decision")} <Badge word={decision.verdict} />
          </h3>
          <DecisionMore d={decision} />
        </li>
      )}
      {event && (
        <li className={waiting && ends.length === 0 ? "wait" : ""}>
          <h3>{t("Deliveries")}</h3>
          {ends.length > 0 && <Timeline steps={ends} id={event.id} />}
          {picks && picks.length > 0 && ends.length === 0 && <p className="small">{t("Goes to {names}", { names: picks.join(", ") })}</p>}
          {picks && picks.length === 0 && ends.length === 0 && <Note kind="warn">{t("No endpoint's rule picks such an event.")} <Link href="/endpoints">{t("Endpoints")}</Link></Note>}
          {waiting && ends.length === 0 && <Loading />}
          {!waiting && ends.length === 0 && (picks?.length ?? 0) > 0 && <p className="small faint">{t("How it ended is not on record here: deliveries that succeed are noted in part.")}</p>}
        </li>
      )}
      {ok && waiting && !event && !decision && (
        <li className="wait">
          <Loading />
        </li>
      )}
      {ok && !waiting && !event && !decision && (
        <li className="wait">
          <p>{t("No event came of it: it was seen before, or it says nothing that is kept.")}</p>
        </li>
      )}
    </ol>
  );
}

/** The event whose wire form is what was sent. */
async function byBody(all: CloudEvent[], body: string, signal: AbortSignal): Promise<CloudEvent | undefined> {
  for (const e of all.slice(0, 10)) {
    const s = await get<{ raw?: { body: string } }>(`/events/${enc(e.id)}`, {}, signal);
    if (s.raw?.body === body) return e;
  }
  return undefined;
}

/** The endpoints whose rule picks the event, asked one by one of what is kept. */
async function picked(ev: CloudEvent, signal: AbortSignal): Promise<string[]> {
  const all = await get<{ endpoints: Endpoint[] }>("/endpoints", {}, signal);
  const app = /^\/apps\/([^/]+)/.exec(ev.source)?.[1];
  const mine = all.endpoints.filter((e) => e.app === app && e.state !== "removed").slice(0, 20);
  const said = await Promise.all(
    mine.map(async (e) => {
      const r = await post<{ events: { id: string; matched: boolean }[] }>("/rules/test", { endpoint: `${e.app}/${e.name}`, limit: 20 }).catch(() => ({ events: [] }));
      return r.events.some((x) => x.id === ev.id && x.matched) ? `${e.app}/${e.name}` : "";
    }),
  );
  return said.filter(Boolean);
}
