import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useLocation, useSearch } from "wouter";
import { address, foundOf, get, type Attempt, type CloudEvent, type Decision, type Endpoint, type FoundEvent } from "../api";
import { useWords } from "../i18n";
import { EventTable } from "../parts/events";
import { Choice, Empty, Input, Note, Page } from "../parts/ui";

const most = 500;
const filters = ["type", "conversation", "user", "endpoint", "outcome", "phase"] as const;

/** Events as they come. */
export function TailPage() {
  const { t, n } = useWords();
  const [, go] = useLocation();
  const params = new URLSearchParams(useSearch());
  const now = Object.fromEntries(filters.map((f) => [f, params.get(f) ?? ""])) as Record<(typeof filters)[number], string>;
  const [draft, setDraft] = useState(now);
  const key = params.toString();
  const [paused, setPaused] = useState(false);
  const { events, how, more, why } = useTail(now, key, paused);
  const endpoints = useQuery({ queryKey: ["endpoints"], queryFn: ({ signal }) => get<{ endpoints: Endpoint[] }>("/endpoints", {}, signal) });
  const apply = (d: typeof draft) => {
    const next = new URLSearchParams();
    for (const f of filters) if (d[f]) next.set(f, d[f]);
    go("/tail" + (next.size ? "?" + next.toString() : ""), { replace: true });
  };
  const set = (f: (typeof filters)[number]) => (v: string) => setDraft({ ...draft, [f]: v });
  const choose = (f: (typeof filters)[number]) => (v: string) => {
    const d = { ...draft, [f]: v };
    setDraft(d);
    apply(d);
  };
  return (
    <Page
      wide
      title={t("Live tail")}
      actions={
        <>
          <span className={"how " + how}>
            <span className="dot" />
            {paused ? t("held") : how === "stream" ? t("live") : how === "asked" ? t("every 2 s") : how === "lost" ? t("no connection") : t("connecting")}
          </span>
          <button className="button" onClick={() => setPaused(!paused)} aria-pressed={paused}>
            {paused ? t("Go on") : t("Hold")}
            {paused && more > 0 ? ` (${n(more)})` : ""}
          </button>
        </>
      }
    >
      <form
        className="card filters"
        onSubmit={(e) => {
          e.preventDefault();
          apply(draft);
        }}
      >
        <Input label={t("Type")} value={draft.type} set={set("type")} placeholder="message.*" />
        <Input label={t("Conversation")} value={draft.conversation} set={set("conversation")} placeholder="group:g1" />
        <Input label={t("User")} value={draft.user} set={set("user")} />
        <Choice label={t("Endpoint")} value={draft.endpoint} set={choose("endpoint")} options={[{ value: "", text: t("any") }, ...(endpoints.data?.endpoints.map((e) => `${e.app}/${e.name}`) ?? [])]} />
        <Choice label={t("Outcome")} value={draft.outcome} set={choose("outcome")} options={[{ value: "", text: t("any") }, ...["delivered", "retry", "refused", "allow", "deny", "rewrite", "drop"].map((o) => ({ value: o, text: t(o) }))]} />
        <Choice label={t("Phase")} value={draft.phase} set={choose("phase")} options={[{ value: "", text: t("any") }, { value: "before", text: t("before") }, { value: "after", text: t("after") }]} />
        <button className="button">{t("Filter")}</button>
      </form>
      {why && <Note kind="warn">{why}</Note>}
      {events.length === 0 ? (
        <div className="card">
          <Empty icon="tail" title={t("Nothing has come since you opened this")}>
            <a href="/send" onClick={(e) => (e.preventDefault(), go("/send"))}>
              {t("Send a test callback")}
            </a>
            {" · "}
            <code>imhook trigger openim --list</code>
          </Empty>
        </div>
      ) : (
        <EventTable events={events} label={t("Events as they come")} more={events.length >= most ? <span className="faint">{t("The newest {n} are shown.", { n: most })}</span> : undefined} />
      )}
    </Page>
  );
}

/** The events of the stream, newest first; asked for where there is none. */
function useTail(now: Record<string, string>, key: string, paused: boolean): { events: FoundEvent[]; how: string; more: number; why?: string } {
  const { t } = useWords();
  const [shown, setShown] = useState<FoundEvent[]>([]);
  const [how, setHow] = useState("starting");
  const [why, setWhy] = useState<string>();
  const [more, setMore] = useState(0);
  const all = useRef<FoundEvent[]>([]);
  const held = useRef(paused);
  held.current = paused;
  const dirty = useRef(false);
  useEffect(() => {
    if (!paused) {
      setShown([...all.current]);
      setMore(0);
    }
  }, [paused]);
  useEffect(() => {
    let over = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = new AbortController();
    all.current = [];
    setShown([]);
    const put = (e: FoundEvent) => {
      if (all.current.some((x) => x.id === e.id && x.phase === e.phase)) return;
      all.current = [e, ...all.current].slice(0, most);
      dirty.current = true;
      if (held.current) setMore((m) => m + 1);
    };
    // The page is drawn a few times a second, however many events come.
    const draw = setInterval(() => {
      if (dirty.current && !held.current) {
        dirty.current = false;
        setShown([...all.current]);
      }
    }, 250);
    const mark = (id: string, outcome: string, endpoint?: string) => {
      all.current = all.current.map((e) =>
        e.id !== id ? e : { ...e, outcome, endpoints: endpoint ? [...(e.endpoints ?? []).filter((x) => x.endpoint !== endpoint), { endpoint, outcome }] : e.endpoints },
      );
      dirty.current = true;
    };
    const stream = new EventSource(address("/tail", now));
    stream.onopen = () => !over && (setHow("stream"), setWhy(undefined));
    const read = <T,>(name: string, f: (v: T) => void) =>
      stream.addEventListener(name, (e) => {
        if (over) return;
        setHow("stream");
        try {
          f(JSON.parse((e as MessageEvent<string>).data) as T);
        } catch {
          // One that cannot be read is left out.
        }
      });
    read<CloudEvent | { event: CloudEvent }>("event", (v) => put(foundOf("specversion" in v ? (v as CloudEvent) : (v as { event: CloudEvent }).event ?? (v as CloudEvent))));
    read<Attempt>("attempt", (a) => mark(a.event, a.outcome, a.endpoint));
    read<Decision>("decision", (d) => {
      put({ ...foundOf(d.event), outcome: d.verdict });
      mark(d.event.id, d.verdict);
    });
    let after = "";
    const poll = async () => {
      try {
        const a = await get<{ events: CloudEvent[]; newest: string }>("/events", { limit: after ? 200 : 20, after, type: now.type, conversation: now.conversation }, stop.signal);
        if (over) return;
        after = a.newest;
        for (const e of [...a.events].reverse()) if (!now.user || e.data?.actor?.id === now.user) put(foundOf(e));
        setHow("asked");
      } catch {
        if (over) return;
        setHow("lost");
      }
      timer = setTimeout(() => void poll(), 2000);
    };
    stream.onerror = () => {
      if (over) return;
      if (stream.readyState === EventSource.CLOSED) {
        void poll();
        setWhy(t("The gateway does not stream events here, or refuses these filters: kept events are asked for every two seconds, by type, conversation and user."));
      } else setHow("lost");
    };
    return () => {
      over = true;
      stop.abort();
      stream.close();
      clearTimeout(timer);
      clearInterval(draw);
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [key]);
  return { events: shown, how, more, why };
}

