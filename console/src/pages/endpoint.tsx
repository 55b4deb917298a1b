import * as Tabs from "@radix-ui/react-tabs";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useLocation, useSearch } from "wouter";
import { enc, get, post, type Attempt, type Endpoint, type Replayed } from "../api";
import { rate, span, useWords } from "../i18n";
import { DefinitionCard } from "../parts/definition";
import { RuleTest } from "../parts/rule";
import { Runs } from "../parts/runs";
import { AttemptMore } from "../parts/steps";
import { seen, Shown } from "../parts/text";
import { Act, Ago, Badge, Card, Check, Choice, Dialog, Empty, ErrorNote, Facts, Input, Loading, Meter, Note, Page, useDo } from "../parts/ui";
import { endpointsQuery } from "./endpoints";

/** One endpoint: how it is doing, and what can be done about it. */
export function EndpointPage({ app = "", name = "" }: { app?: string; name?: string }) {
  const { t, n, moment } = useWords();
  const [, go] = useLocation();
  const tab = new URLSearchParams(useSearch()).get("tab") ?? "state";
  const all = useQuery({ ...endpointsQuery, refetchInterval: 1000 });
  const e = all.data?.endpoints.find((x) => x.app === app && x.name === name);
  const id = `${app}/${name}`;
  const problem = e?.paused ? t("It is paused: {why}", { why: e.paused }) : e?.breaker === "open" ? t("It failed too often and is left alone; what comes waits in order.") : undefined;
  return (
    <Page title={<Shown text={id} />} back={{ href: "/endpoints", text: t("Endpoints") }} actions={e && <Steer e={e} />}>
      <ErrorNote error={all.error} retry={() => void all.refetch()} />
      {all.isPending && <Loading />}
      {all.data && !e && <Note kind="bad">{t("There is no endpoint {name}.", { name: id })}</Note>}
      {e && (
        <>
          {problem && (
            <Note kind="bad">
              <Shown text={problem} most={400} />
              {e.pausedUntil && !e.pausedUntil.startsWith("0001") ? ` · ${t("until {time}", { time: moment(e.pausedUntil) })}` : ""}
              {e.lastError && (
                <div className="small">
                  <Shown text={e.lastError} most={400} />
                </div>
              )}
            </Note>
          )}
          <Card>
            <Facts
              rows={[
                [t("State"), <Badge word={e.state} />],
                [t("Breaker"), <><Badge word={e.breaker ?? "closed"} />{e.probeAt && !e.probeAt.startsWith("0001") ? <span className="small faint"> {t("tries at {time}", { time: moment(e.probeAt) })}</span> : null}</>],
                [t("Delivered"), `${n(e.delivered)} (${rate(e.deliveredPerSecond)})`],
                [t("Backlog"), n(e.backlog) + (e.more ? "+" : "")],
                [t("Oldest"), e.oldestAgeSeconds ? span(e.oldestAgeSeconds) : "0 s"],
                [t("In flight"), n(e.inFlight)],
                [t("Wait for a retry"), n(e.waiting)],
                [t("Dead letters"), e.parked ? <Link href={`/deadletters?endpoint=${enc(id)}`}>{n(e.parked)}</Link> : "0"],
                !!e.ahead && [t("Went ahead"), n(e.ahead)],
                !!e.blocked && [t("Blocked conversations"), n(e.blocked)],
              ]}
            />
            {e.ramp && e.ramp.limit < e.ramp.of && (
              <div className="ramp">
                <p className="small">{t("It recovers: {n} of {all} events at once, and more with each success.", { n: e.ramp.limit, all: e.ramp.of })}</p>
                <Meter value={e.ramp.limit} of={e.ramp.of} label={t("How far it has recovered: {n} of {all} at once", { n: e.ramp.limit, all: e.ramp.of })} />
              </div>
            )}
          </Card>
          <Tabs.Root value={tab} onValueChange={(v) => go(`/endpoints/${enc(app)}/${enc(name)}` + (v === "state" ? "" : `?tab=${v}`), { replace: true })}>
            <Tabs.List className="tabs" aria-label={id}>
              {[["state", t("Attempts")], ["conversations", t("Conversations")], ["rule", t("Test the rule")], ["definition", t("Definition")]].map(([v, text]) => (
                <Tabs.Trigger className="tab" value={v!} key={v}>
                  {text}
                </Tabs.Trigger>
              ))}
            </Tabs.List>
            <Tabs.Content className="tab-body" value="state">
              <Runs endpoint={id} />
              <Attempts endpoint={id} />
            </Tabs.Content>
            <Tabs.Content className="tab-body" value="conversations">
              <Conversations e={e} />
            </Tabs.Content>
            <Tabs.Content className="tab-body" value="rule">
              <Card title={t("Would an event match?")}>
                <RuleTest endpoint={id} app={app} />
              </Card>
            </Tabs.Content>
            <Tabs.Content className="tab-body" value="definition">
              <DefinitionCard section="endpoints" app={app} name={name} secrets={e.secrets} />
            </Tabs.Content>
          </Tabs.Root>
        </>
      )}
    </Page>
  );
}

function Attempts({ endpoint }: { endpoint: string }) {
  const { t, time } = useWords();
  const [outcome, setOutcome] = useState("");
  const found = useQuery({
    queryKey: ["attempts", endpoint, outcome],
    queryFn: ({ signal }) => get<{ attempts: Attempt[] }>("/attempts", { endpoint, outcome, limit: 30 }, signal),
    refetchInterval: 5000,
    retry: false,
  });
  return (
    <Card
      title={t("Attempts, newest first")}
      actions={<Choice label={t("Outcome")} value={outcome} set={setOutcome} options={[{ value: "", text: t("any") }, ...["delivered", "retry", "refused", "misconfigured"].map((o) => ({ value: o, text: t(o) }))]} />}
    >
      <ErrorNote error={found.error} />
      {found.data?.attempts.length === 0 && <Empty title={t("No attempts on record")}>{t("Failures are all kept, and some of those that delivered (journal.attempts.sample).")}</Empty>}
      <ul className="timeline">
        {found.data?.attempts.map((a, i) => (
          <li key={i} className={"step " + (a.outcome === "delivered" ? "good" : "bad")}>
            <div className="step-head">
              <Badge word={a.outcome} />
              <Link href={`/events/${enc(a.event)}`}>
                <Shown text={a.type} />
              </Link>
              <Shown text={a.conversation} mono most={60} />
              {a.status ? <span className="mono">{a.status}</span> : null}
              {a.reason && a.outcome !== "delivered" ? <Badge word={a.reason} tone="bad" /> : null}
              <span className="faint small">
                {t("attempt {n}", { n: a.attempt })} · {t("took {span}", { span: span(a.tookSeconds) })} · {time(a.at)}
              </span>
            </div>
            <AttemptMore a={a} />
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Conversations({ e }: { e: Endpoint }) {
  const { t, n } = useWords();
  const client = useQueryClient();
  const { busy, error, run } = useDo();
  const [lane, setLane] = useState("");
  const path = `/endpoints/${enc(e.app)}/${enc(e.name)}`;
  const done = () => void client.invalidateQueries({ queryKey: ["endpoints"] });
  return (
    <Card title={t("Conversations that are held or blocked")}>
      <div className="fields">
        <ErrorNote error={error} />
        {!e.pausedConversations?.length && !e.blockedConversations?.length && <p className="faint">{t("None.")}</p>}
        {e.pausedConversations?.map((c) => (
          <div className="note" key={c.conversation}>
            <div>
              <strong><Shown text={c.conversation} mono /></strong> <Shown text={c.why} /> · {t("{n} events wait", { n: n(c.backlog) })}{" "}
              <Act busy={busy} icon="play" onClick={() => run(() => post(path + "/resume", { conversation: c.conversation }), done, t("It goes on"))}>{t("Resume")}</Act>
            </div>
          </div>
        ))}
        {e.blockedConversations?.map((c) => (
          <div className="note bad" key={c.conversation}>
            <div>
              <strong><Shown text={c.conversation} mono /></strong> {c.reason} <Shown text={c.detail} /> · {t("attempt {n}", { n: c.attempts })} · {t("{n} events wait", { n: n(c.backlog) })} · <Ago at={c.since} />{" "}
              <Act busy={busy} icon="again" onClick={() => run(() => post(path + "/resume", { conversation: c.conversation, now: true }), done, t("It is tried again"))}>{t("Try again")}</Act>
            </div>
          </div>
        ))}
        <form
          className="filters"
          onSubmit={(ev) => {
            ev.preventDefault();
            run(() => post(path + "/pause", { conversation: lane }), done, t("It is held"));
          }}
        >
          <Input label={t("Hold a conversation")} value={lane} set={setLane} placeholder="group:g1" />
          <Act type="submit" icon="pause" busy={busy} disabled={!lane}>{t("Pause")}</Act>
        </form>
      </div>
    </Card>
  );
}

function Steer({ e }: { e: Endpoint }) {
  const { t } = useWords();
  const client = useQueryClient();
  const [pausing, setPausing] = useState(false);
  const [replaying, setReplaying] = useState(false);
  const [why, setWhy] = useState("");
  const [until, setUntil] = useState("");
  const { busy, error, run, clear } = useDo();
  const path = `/endpoints/${enc(e.app)}/${enc(e.name)}`;
  const id = `${e.app}/${e.name}`;
  const done = () => {
    setPausing(false);
    void client.invalidateQueries({ queryKey: ["endpoints"] });
  };
  if (e.state === "removed") return <Badge word="removed" />;
  return (
    <>
      {e.paused ? (
        <Act icon="play" kind="primary" busy={busy} onClick={() => run(() => post(path + "/resume", {}), done, t("{name} goes on", { name: id }))}>
          {t("Resume")}
        </Act>
      ) : (
        <Act icon="pause" onClick={() => (clear(), setPausing(true))}>
          {t("Pause")}
        </Act>
      )}
      {(e.breaker === "open" || e.waiting > 0 || !!e.blocked) && (
        <Act icon="bolt" busy={busy} title={t("Close its breaker, and try at once what waits.")} onClick={() => run(() => post(path + "/resume", { now: true }), done, t("What waits is tried now"))}>
          {t("Try now")}
        </Act>
      )}
      <Act icon="again" onClick={() => setReplaying(true)}>
        {t("Replay")}
      </Act>
      <Dialog open={pausing} close={() => setPausing(false)} title={t("Pause {name}", { name: id })}>
        <form
          className="fields"
          onSubmit={(ev) => {
            ev.preventDefault();
            run(() => post(path + "/pause", { why: why || undefined, until: until || undefined }), done, t("{name} is paused; everything is kept", { name: id }));
          }}
        >
          <p>{t("Nothing is sent to it until somebody resumes it. Everything is kept, in order.")}</p>
          <Input label={t("Why")} value={why} set={setWhy} autoFocus hint={t("For those who wonder.")} />
          <Input label={t("Until")} value={until} set={setUntil} placeholder="2h" hint={t("For how long, 2h, or a time. Left empty, until somebody resumes it.")} />
          <ErrorNote error={error} />
          <div className="form-actions">
            <Act type="submit" kind="primary" icon="pause" busy={busy}>
              {t("Pause")}
            </Act>
          </div>
        </form>
      </Dialog>
      <Replay e={e} open={replaying} close={() => setReplaying(false)} />
    </>
  );
}

/** Delivers history again; counted first. */
function Replay({ e, open, close }: { e: Endpoint; open: boolean; close: () => void }) {
  const { t, n, moment } = useWords();
  const client = useQueryClient();
  const [, go] = useLocation();
  const [since, setSince] = useState("1h");
  const [until, setUntil] = useState("");
  const [types, setTypes] = useState("");
  const [conversation, setConversation] = useState("");
  const [speed, setSpeed] = useState("");
  const [everything, setEverything] = useState(false);
  const [count, setCount] = useState<Replayed>();
  const counting = useDo();
  const beginning = useDo();
  const wish = {
    since: since || undefined, until: until || undefined, types: types ? types.split(",").map((x) => x.trim()).filter(Boolean) : undefined,
    conversation: conversation || undefined, rate: speed ? Number(speed) : undefined, all: everything || undefined,
  };
  const path = `/endpoints/${enc(e.app)}/${enc(e.name)}/replay`;
  const change = (f: (v: string) => void) => (v: string) => {
    f(v);
    setCount(undefined);
  };
  const c = count?.count;
  return (
    <Dialog open={open} close={close} title={t("Replay to {name}", { name: `${e.app}/${e.name}` })}>
      <form
        className="fields"
        onSubmit={(ev) => {
          ev.preventDefault();
          counting.run(() => post<Replayed>(path, { ...wish, dryRun: true }), setCount);
        }}
      >
        <p>{t("Delivers again what the journal has, in its order. Receivers see that it is a repeat.")}</p>
        <div className="fields two">
          <Input label={t("Since")} value={since} set={change(setSince)} hint={t("How long ago, 24h, or a time.")} />
          <Input label={t("Until")} value={until} set={change(setUntil)} />
          <Input label={t("Types")} value={types} set={change(setTypes)} placeholder="message.*" />
          <Input label={t("Conversation")} value={conversation} set={change(setConversation)} placeholder="group:g1" />
          <Input label={t("At most per second")} value={speed} set={change(setSpeed)} type="number" />
        </div>
        <Check label={t("Also what its rule does not pick")} value={everything} set={(v) => (setEverything(v), setCount(undefined))} />
        <ErrorNote error={counting.error ?? beginning.error} />
        {c && (
          <Note kind={c.sent ? "good" : "warn"}>
            <strong>{t("{n} events would be delivered", { n: n(c.sent) + (c.atLeast ? "+" : "") })}</strong>{" "}
            {t("({selected} in that time, {picked} that its rule picks)", { selected: n(c.selected), picked: n(c.picked) })}
            {c.begin && !c.begin.startsWith("0001") ? <div className="small">{t("The journal begins at {time}.", { time: moment(c.begin) })}</div> : null}
            {count?.note && <div className="small">{seen(count.note)}</div>}
          </Note>
        )}
        <div className="form-actions">
          <Act type="submit" busy={counting.busy}>
            {t("Count first")}
          </Act>
          <Act
            kind="primary"
            icon="again"
            busy={beginning.busy}
            disabled={!c || c.sent === 0}
            onClick={() =>
              beginning.run(
                () => post<Replayed>(path, wish),
                () => {
                  void client.invalidateQueries({ queryKey: ["runs"] });
                  setCount(undefined);
                  close();
                  go(`/endpoints/${enc(e.app)}/${enc(e.name)}`);
                },
                t("The replay began"),
              )
            }
          >
            {c ? t("Replay {n} events", { n: n(c.sent) }) : t("Replay")}
          </Act>
        </div>
      </form>
    </Dialog>
  );
}

